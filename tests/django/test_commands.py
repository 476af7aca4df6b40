"""The management command handler, in a process as Lambda starts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fresh import evaluate, run
from jobs import write_project

HANDLER = "from pocket.django.lambda_handlers import management_command_handler as handler\n"


def invoke(directory: Path, *bodies: object) -> list[Any]:
    """What the handler answers to each body, in one process; an exception as its type and text."""
    environ = write_project(directory)
    code = f"""{HANDLER}
result = []
for body in json.loads({json.dumps(json.dumps(bodies))}):
    try:
        result.append(handler(body, None))
    except Exception as error:
        result.append([type(error).__name__, str(error), getattr(error, "exit_status", None)])
"""
    found: list[Any] = evaluate(code, directory, environ)
    return found


def job(do: str, *words: str, **more: object) -> dict[str, object]:
    return {"command": "job", "args": [*words], "kwargs": {"do": do}, "on_failure": "report", **more}


def test_output_of_the_command_and_of_its_children_comes_back_in_order(tmp_path: Path) -> None:
    [found] = invoke(tmp_path, job("speak", "word"))
    assert found == {
        "command": "job",
        "exit_status": 0,
        "stdout": 'first word\n{"status":"ok"}\nprinted\n',
        "stderr": "complaint\n",
        "result": None,
        "traceback": None,
    }


def test_each_kind_of_failure_is_reported(tmp_path: Path) -> None:
    refused, crashed, left, output, left_well, requested, unknown, odd = invoke(
        tmp_path,
        job("refuse"),
        job("crash"),
        job("leave", "3"),
        job("leave", "a reason"),
        job("leave", "0"),
        job("ask"),
        {"command": "nothing", "on_failure": "report"},
        {"command": "job", "kwargs": {"colour": 1}, "on_failure": "report"},
    )
    assert (refused["exit_status"], refused["stdout"], refused["stderr"]) == (
        7,
        "before\n",
        "CommandError: not today\n",
    )
    assert refused["traceback"] is None
    assert crashed["exit_status"] == 1
    assert "ValueError: boom" in crashed["traceback"]
    assert left["exit_status"] == 3
    assert (output["exit_status"], output["stderr"]) == (1, "a reason\n")
    assert left_well["exit_status"] == 0
    assert "EOFError" in requested["traceback"]
    assert (unknown["exit_status"], unknown["stderr"]) == (1, "CommandError: Unknown command: 'nothing'\n")
    assert "colour" in odd["traceback"]


def test_a_failure_raises_unless_it_is_to_be_reported(tmp_path: Path) -> None:
    first, second = invoke(tmp_path, job("crash", on_failure="raise"), {"command": "job", "kwargs": {"do": "refuse"}})
    assert first[0] == second[0] == "CommandFailed"
    assert "ValueError: boom" in first[1]
    assert second[2] == 7


def test_a_long_output_keeps_its_end(tmp_path: Path) -> None:
    [found] = invoke(tmp_path, job("flood"))
    assert found["stdout"].endswith("the end\n")
    assert "only in the log" in found["stdout"].partition("\n")[0]
    assert len(json.dumps(found)) < 6_000_000


def test_what_a_command_leaves_behind_is_put_back(tmp_path: Path) -> None:
    _, found = invoke(tmp_path, job("leave_traces"), job("look"))
    assert found["stdout"] == "en UTC True\n"


def test_a_command_has_its_variables_for_as_long_as_it_runs(tmp_path: Path) -> None:
    given = {"PASSWORD": "swordfish", "LAMBDA_TASK_ROOT": "/elsewhere"}
    names = ("PASSWORD", "LAMBDA_TASK_ROOT")
    before, failed, during, after = invoke(
        tmp_path,
        job("recall", *names),
        job("crash", environ=given),
        job("recall", *names, environ=given),
        job("recall", *names),
    )
    assert failed["exit_status"] == 1
    assert during["stdout"] == "PASSWORD=swordfish LAMBDA_TASK_ROOT=/elsewhere\n"
    assert before["stdout"] == after["stdout"] == f"PASSWORD=None LAMBDA_TASK_ROOT={tmp_path}\n"


@pytest.mark.parametrize("report", [False, True])
def test_a_body_without_a_command_is_an_error_with_an_example(tmp_path: Path, report: bool) -> None:
    bodies: list[Any] = [
        {},
        [],
        "migrate",
        {"command": ""},
        {"command": "job", "args": "x"},
        {"command": "job", "kwargs": []},
        {"command": "job", "arg": []},
        {"command": "job", "on_failure": "ignore"},
        {"command": "job", "environ": ["A=1"]},
        {"command": "job", "environ": {"A": 1}},
    ]
    if report:
        bodies = [{**body, "on_failure": "report", "command": 1} for body in bodies if isinstance(body, dict)]
    for kind, message, status in invoke(tmp_path, *bodies):
        assert kind == "CommandFailed"
        assert '"command": "migrate"' in message
        assert status == 2


def test_the_log_has_the_output_as_it_comes_and_descriptor_one_stays_clean(tmp_path: Path) -> None:
    environ = write_project(tmp_path)
    done = run(f'{HANDLER}handler({{"command": "job", "args": ["word"]}}, None)', tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    for line in ("first word", '{"status":"ok"}', "printed", "complaint"):
        assert line in done.stderr.splitlines()


def test_any_exception_is_the_commands_failure_and_the_process_continues(tmp_path: Path) -> None:
    *ended, after = invoke(tmp_path, job("cancel"), job("interrupt"), job("generator_exit"), job("speak", "on"))
    assert [found["exit_status"] for found in ended] == [1, 130, 1]
    for found, name in zip(ended, ("CancelledError", "KeyboardInterrupt", "GeneratorExit"), strict=True):
        assert name in found["traceback"]
    assert after["exit_status"] == 0


@pytest.mark.parametrize("code", ["256", "-1", "257", "2**70", "True", "False", "0.5", "('a', 1)", "None", "''"])
def test_the_exit_status_is_the_one_of_a_shell(tmp_path: Path, code: str) -> None:
    [found] = invoke(tmp_path, job("exit", code))
    shell = run(f"import sys; sys.exit({code})", tmp_path)
    # Python 3.13 complains about a number of more than 64 bits while it ends.
    output = "" if "OverflowError" in shell.stderr else shell.stderr
    assert (found["exit_status"], found["stderr"]) == (shell.returncode, output)


@pytest.mark.parametrize("words", [["--number", "x"], ["--colour", "red"], ["--number"]])
def test_arguments_that_a_command_does_not_take_end_it_with_usage_and_two(tmp_path: Path, words: list[str]) -> None:
    [found] = invoke(tmp_path, {"command": "job", "args": words, "on_failure": "report"})
    assert found["exit_status"] == 2
    assert found["stderr"].startswith("usage:")
    assert "error: " in found["stderr"].splitlines()[-1]
    assert found["traceback"] is None


def test_the_standard_streams_are_those_of_a_shell(tmp_path: Path) -> None:
    raw, reconfigured, rewrapped, closed, after = invoke(
        tmp_path, job("write_bytes"), job("reconfigure"), job("rewrap"), job("close"), job("speak", "on")
    )
    assert (raw["stdout"], raw["stderr"]) == ("text\nbytes é\nmore, and the end\n", "raw complaint\n")
    assert reconfigured["stdout"] == "\\udcff\n"
    assert (rewrapped["stdout"], rewrapped["stderr"]) == ("rewrapped é\n", "complained é\n")
    assert (closed["exit_status"], closed["stdout"]) == (0, "last words\n")
    assert after["stdout"].startswith("first on\n")


def test_what_writes_after_its_command_has_ended_reaches_the_log_and_no_later_command(tmp_path: Path) -> None:
    first, second = invoke(tmp_path, job("linger"), job("log"))
    assert first["exit_status"] == second["exit_status"] == 0
    assert "thread" not in second["stdout"]
    assert "after the end" not in second["stderr"]


def test_a_command_without_time_left_is_stopped_and_the_next_one_runs(tmp_path: Path) -> None:
    environ = write_project(tmp_path)
    code = f"""{HANDLER}
class Context:
    aws_request_id = "r"
    def get_remaining_time_in_millis(self):
        return 500
result = [handler(body, Context()) for body in json.loads({json.dumps(json.dumps([job("hang"), job("speak")]))})]
"""
    stopped, after = evaluate(code, tmp_path, environ)
    assert stopped["exit_status"] == 124
    assert "DeadlineReached: Stopped after 0." in stopped["traceback"]
    assert "time.sleep(60)" in stopped["traceback"], "the place where it was"
    assert after["exit_status"] == 0
