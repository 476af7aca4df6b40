"""The queue's handler, in a process as Lambda starts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_double import AWSDouble
from fresh import evaluate, run
from jobs import write_project

from pocket.manifest import Handler, Stage

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:pocket-dev-board-jobs"


def records(directory: Path, *words: str, queue: str = QUEUE) -> list[dict[str, str]]:
    """One message a word; the command writes the word into the folder's `notes`."""
    bodies = [
        word
        if word.startswith("{")
        else json.dumps({"command": "job", "args": [word], "kwargs": {"do": "note", "file": str(directory / "notes")}})
        for word in words
    ]
    return [
        {"messageId": f"id-{number}", "eventSource": "aws:sqs", "eventSourceARN": queue, "body": body}
        for number, body in enumerate(bodies)
    ]


def invoke(directory: Path, event: object, *remaining: int, stage: Stage | None = None) -> Any:
    """The answer; `remaining` are the milliseconds that are left at each question, the last ones from then on."""
    environ = write_project(directory, stage) if stage else write_project(directory)
    code = f"""
from pocket.django.lambda_handlers import sqs_management_command_handler as handler
class Context:
    aws_request_id = "r"
    left = {list(remaining or [60_000])}
    def get_remaining_time_in_millis(self):
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]
try:
    result = handler(json.loads({json.dumps(json.dumps(event))}), Context())
except Exception as error:
    result = [type(error).__name__, str(error)]
"""
    return evaluate(code, directory, environ)


def notes(directory: Path) -> list[str]:
    path = directory / "notes"
    return path.read_text().splitlines() if path.exists() else []


def failed(*numbers: int) -> dict[str, object]:
    return {"batchItemFailures": [{"itemIdentifier": f"id-{number}"} for number in numbers]}


def test_exactly_the_failed_messages_are_reported(tmp_path: Path) -> None:
    event = {"Records": records(tmp_path, "a", "bad", "b", "{not json", '{"command": 1}', '{"on_failure": []}', "c")}
    assert invoke(tmp_path, event) == failed(1, 3, 4, 5)
    assert notes(tmp_path) == ["a", "bad", "b", "c"]


def test_a_failure_is_one_even_if_the_sender_wanted_a_report(tmp_path: Path) -> None:
    body = json.dumps({"command": "job", "kwargs": {"do": "crash"}, "on_failure": "report"})
    assert invoke(tmp_path, {"Records": records(tmp_path, body)}) == failed(0)


def test_a_fifo_batch_ends_at_its_first_failure(tmp_path: Path) -> None:
    event = {"Records": records(tmp_path, "a", "bad", "b", queue=f"{QUEUE}.fifo")}
    assert invoke(tmp_path, event) == failed(1, 2)
    assert notes(tmp_path) == ["a", "bad"]


def test_messages_without_enough_time_left_return_to_the_queue(tmp_path: Path) -> None:
    event = {"Records": records(tmp_path, "slow", "b", "c")}
    assert invoke(tmp_path, event, 60_000, 100) == failed(1, 2)
    assert notes(tmp_path) == ["slow"]


@pytest.mark.parametrize("queue", [QUEUE, f"{QUEUE}.fifo"])
def test_the_slowest_command_determines_the_time_that_is_needed(tmp_path: Path, queue: str) -> None:
    event = {"Records": records(tmp_path, "slow", "quick", "c", "d", queue=queue)}
    assert invoke(tmp_path, event, 60_000, 60_000, 250) == failed(2, 3)
    assert notes(tmp_path) == ["slow", "quick"]


def test_a_command_is_stopped_before_the_function_is_and_the_others_of_the_batch_go_back(tmp_path: Path) -> None:
    body = json.dumps({"command": "job", "kwargs": {"do": "hang"}})
    assert invoke(tmp_path, {"Records": records(tmp_path, "a", body, "b")}, 60_000, 500, 10) == failed(1, 2)
    assert notes(tmp_path) == ["a"]


def test_any_queue_of_any_name_is_served(tmp_path: Path) -> None:
    event = {"Records": records(tmp_path, "a", "bad", queue="arn:aws:sqs:eu-west-1:1:another")}
    assert invoke(tmp_path, event) == failed(1)


def test_a_command_that_the_handler_may_not_run_is_not_run(tmp_path: Path) -> None:
    event = {"Records": records(tmp_path, "a", json.dumps({"command": "check"}))}
    for allowed, expected in ((("job",), failed(1)), ((), failed(0, 1))):
        handler = Handler("x", 60, queue=True, commands=allowed)
        folder = tmp_path / str(len(allowed))
        folder.mkdir()
        assert invoke(folder, event, stage=Stage(stack_name="s", handlers={"jobs": handler})) == expected
    assert notes(tmp_path) == ["a"]


def test_a_queue_without_partial_failures_fails_as_a_whole(tmp_path: Path) -> None:
    handler = Handler("x", 60, queue=True, partial_failures=False)
    stage = Stage(stack_name="s", handlers={"jobs": handler})
    found = invoke(tmp_path, {"Records": records(tmp_path, "a", "bad")}, stage=stage)
    assert found[0] == "CommandFailed"
    assert "report_batch_item_failures" in found[1]


def test_another_event_is_refused_with_the_handler_that_takes_it(tmp_path: Path) -> None:
    kind, message = invoke(tmp_path, {"command": "job"})
    assert kind == "UnknownEvent"
    assert "management_command_handler" in message


def test_an_empty_batch_is_not_a_failure(tmp_path: Path) -> None:
    assert invoke(tmp_path, {"Records": []}) == failed()


def test_neither_event_nor_message_is_logged(tmp_path: Path) -> None:
    environ = {**write_project(tmp_path), "AWS_LAMBDA_FUNCTION_NAME": "f"}
    secret = json.dumps({"command": "job", "kwargs": {"do": "crash", "file": "swordfish"}})
    event = json.dumps({"Records": records(tmp_path, secret, "{swordfish")})
    code = f"""
import json
from pocket.django.lambda_handlers import sqs_management_command_handler as handler
handler(json.loads({json.dumps(event)}), None)
"""
    done = run(
        code.replace(", None)", ", type('C', (), {'get_remaining_time_in_millis': lambda self: 10**6})())"),
        tmp_path,
        environ,
    )
    assert done.returncode == 0, done.stderr
    assert "swordfish" not in done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert any("id-0" in line["message"] for line in lines)


def log_of(directory: Path, event: object, environ: dict[str, str], remaining: int = 60_000) -> str:
    """The log of one invocation, which may end the process."""
    code = f"""
import json
from pocket.django.lambda_handlers import sqs_management_command_handler as handler
class Context:
    aws_request_id = "request-1"
    def get_remaining_time_in_millis(self):
        return {remaining}
handler(json.loads({json.dumps(json.dumps(event))}), Context())
"""
    return run(code, directory, environ).stderr


PROJECTS_OWN = """
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
"""


@pytest.mark.parametrize("own", ["", PROJECTS_OWN])
@pytest.mark.parametrize("do", ["log", "die", "hang", "crash", "cancel"])
def test_every_line_of_a_command_carries_its_messages_id(tmp_path: Path, do: str, own: str) -> None:
    environ = write_project(tmp_path)
    with (tmp_path / "jobs_settings.py").open("a") as file:
        file.write(own)
    body = json.dumps({"command": "job", "kwargs": {"do": do}})
    lines = log_of(tmp_path, {"Records": records(tmp_path, body)}, environ, 500).splitlines()
    assert "request-1" in lines[0]
    assert [line for line in lines if "id-0" not in line] == []
    for line in lines:
        if line.startswith("{"):
            assert json.loads(line)["jobId"] == "id-0"
    if do == "log":
        assert {"[id-0] printed", "[id-0] in two lines", "[id-0] from a child"} <= set(lines)
        assert any("a record" in line for line in lines)


def test_a_message_that_cannot_be_read_at_all_is_a_failure_of_its_own(tmp_path: Path) -> None:
    event = {"Records": records(tmp_path, "{" + '"a":{' * 10_000, "a")}
    assert invoke(tmp_path, event) == failed(0)
    assert notes(tmp_path) == ["a"]


def test_each_done_message_of_a_batch_is_deleted_before_the_next_one_begins(tmp_path: Path, aws: AWSDouble) -> None:
    die = json.dumps({"command": "job", "kwargs": {"do": "die"}})
    event = {"Records": records(tmp_path, "a", "bad", die, "b")}
    for record in event["Records"]:
        record["receiptHandle"] = f"receipt of {record['messageId']}"
    log_of(tmp_path, event, {**write_project(tmp_path), **aws.environ})
    deleted = [payload["ReceiptHandle"] for operation, payload in aws.calls if operation == "DeleteMessage"]
    assert deleted == ["receipt of id-0"]


def test_a_single_message_is_left_to_lambda(tmp_path: Path, aws: AWSDouble) -> None:
    [record] = records(tmp_path, "a")
    log_of(tmp_path, {"Records": [{**record, "receiptHandle": "r"}]}, {**write_project(tmp_path), **aws.environ})
    assert aws.calls == []
