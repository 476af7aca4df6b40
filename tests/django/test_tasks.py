"""Django's tasks on SQS: what is sent, and what the queue's handler makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_double import AWSDouble
from fresh import evaluate, run
from task_project import CONTEXT, HANDLER, STAGE, TaskProject, failed, url

from pocket.manifest import Handler, Stage


@pytest.fixture
def project(tmp_path: Path, aws: AWSDouble) -> TaskProject:
    return TaskProject(tmp_path, aws)


def reasons(project: TaskProject) -> list[dict[str, str]]:
    """The attributes of the messages that went to a dead-letter queue."""
    return [
        {name: item["StringValue"] for name, item in payload["MessageAttributes"].items()}
        for payload in project.sent()
        if payload["QueueUrl"].removesuffix(".fifo").endswith("-dead-letters")
    ]


def test_enqueue_is_one_signed_request_without_boto3_and_the_worker_runs_it(project: TaskProject) -> None:
    code = "found = tasks.note.enqueue(file, word='a')\nimport sys\n"
    result = project.evaluate(code + "result = [found.id, str(found.status), found.args, 'boto3' in sys.modules]")
    assert project.aws
    assert project.aws.operations == ["SendMessage"]
    [message] = project.sent()
    assert message["QueueUrl"] == url("jobs")
    assert "DelaySeconds" not in message
    assert result == [json.loads(message["MessageBody"])["id"], "READY", [project.file], False]
    assert project.deliver(message)[0] == failed()
    assert project.notes == ["a"]


def test_async_tasks_and_aenqueue(project: TaskProject) -> None:
    project.evaluate("import asyncio\nasyncio.run(tasks.note_later.aenqueue(file, 'later'))\nresult = 1")
    assert project.deliver(*project.sent())[0] == failed()
    assert project.notes == ["later"]


def test_the_context_knows_attempt_id_and_queue(project: TaskProject) -> None:
    found = project.evaluate("result = tasks.note_context.using(queue_name='reports').enqueue(file).id")
    assert project.deliver(*project.sent(), receives=2)[0] == failed()
    assert project.notes == [f"2 {found} RUNNING reports 0"]


@pytest.mark.parametrize(("seconds", "delay"), [(-5, None), (60, 60), (899, 899)])
def test_run_after_up_to_a_quarter_of_an_hour_is_the_messages_delay(
    project: TaskProject, seconds: int, delay: int | None
) -> None:
    project.evaluate(
        "from datetime import timedelta\nfrom django.utils import timezone\n"
        f"tasks.note.using(run_after=timezone.now() + timedelta(seconds={seconds})).enqueue(file)\nresult = 1"
    )
    assert [message.get("DelaySeconds") for message in project.sent()] == [delay]


LATER = """
from datetime import datetime, timezone
result = tasks.note.using(run_after=datetime(2090, 1, 2, 3, 4, 5, tzinfo=timezone.utc)%s).enqueue(file, word="x").id
"""


def test_a_later_run_after_is_a_schedule_that_deletes_itself(project: TaskProject) -> None:
    found = project.evaluate(LATER % "")
    [schedule] = project.sent("CreateSchedule")
    assert project.sent() == []
    assert schedule["Name"].startswith(f"task-{found}-")
    assert schedule["ClientToken"] == schedule["Name"]
    assert schedule["GroupName"] == "pocket-dev-board"
    assert schedule["ActionAfterCompletion"] == "DELETE"
    assert schedule["ScheduleExpression"].startswith("at(2090-01-02T03:04:")
    assert schedule["Target"]["Arn"] == "arn:aws:sqs:eu-west-1:123456789012:pocket-dev-board-jobs"
    assert schedule["Target"]["RoleArn"].endswith(":role/sender")
    assert "SqsParameters" not in schedule["Target"]
    assert project.deliver({"MessageBody": schedule["Target"]["Input"]})[0] == failed()
    assert project.notes == ["x"]


def test_a_fifo_queue_delays_no_message_so_a_schedule_does(project: TaskProject) -> None:
    project.evaluate(LATER % ", queue_name='ordered'")
    project.evaluate("tasks.note.using(queue_name='ordered').enqueue(file)\nresult = 1")
    [schedule], [message] = project.sent("CreateSchedule"), project.sent()
    assert schedule["Target"]["SqsParameters"] == {"MessageGroupId": "pocket"}
    assert message["MessageGroupId"] == "pocket"


@pytest.mark.parametrize(("priority", "handler"), [(0, "jobs"), (-20, "jobs"), (9, "jobs"), (10, "urgent")])
def test_priority_chooses_the_handler(project: TaskProject, priority: int, handler: str) -> None:
    project.evaluate(f"tasks.report.using(priority={priority}).enqueue()\nresult = 1")
    assert [message["QueueUrl"] for message in project.sent()] == [url(handler)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("tasks.note.using(priority=5)", "has one handler"),
        ("tasks.note.using(queue_name='nowhere')", "Queue 'nowhere' is not valid"),
        ("tasks.fail.using(queue_name='ordered')", "has 3 attempts, but its queue allows 2"),
        ("tasks.lost()", "module level"),
        ("from datetime import datetime\ntasks.note.using(run_after=datetime(2030, 1, 1))", "aware"),
        ("tasks.report.using(priority=101)", "between -100 and 100"),
        ("tasks.note.enqueue(object())", "Unsupported type"),
    ],
)
def test_what_the_backend_does_not_run_is_refused(tmp_path: Path, code: str, expected: str) -> None:
    project = TaskProject(tmp_path)
    lines = "\n".join(f"    {line}" for line in code.splitlines())
    message = project.evaluate(f"try:\n{lines}\nexcept Exception as error:\n    result = str(error)")
    assert expected in message


def test_without_the_queues_url_the_error_names_the_variable(tmp_path: Path) -> None:
    project = TaskProject(tmp_path)
    code = "import os; del os.environ['POCKET_JOBS_QUEUEURL']\n"
    code += "from django.core.exceptions import ImproperlyConfigured\n"
    code += "try:\n    tasks.note.enqueue(file)\nexcept ImproperlyConfigured as error:\n    result = str(error)"
    assert "POCKET_JOBS_QUEUEURL" in project.evaluate(code)


def test_large_arguments_are_in_the_bucket_until_the_task_has_succeeded(project: TaskProject) -> None:
    assert project.aws
    found = project.evaluate("result = tasks.size.enqueue('x' * 2_000_000).id")
    key = f"pocket-tasks/{found}.json"
    assert list(project.aws.objects) == [f"/board-bucket/{key}"]
    [message] = project.sent()
    assert len(message["MessageBody"]) < 1000
    assert project.deliver(message)[0] == failed()
    assert project.aws.objects == {}
    assert [payload["Key"] for payload in project.sent("DeleteObject")] == [key]


def test_without_a_bucket_large_arguments_are_refused_with_the_limit(tmp_path: Path) -> None:
    stage = Stage(stack_name="s", handlers=STAGE.handlers, tasks=STAGE.tasks)
    project = TaskProject(tmp_path, stage=stage)
    code = "try:\n    tasks.size.enqueue('x' * 2_000_000)\nexcept ValueError as error:\n    result = str(error)"
    assert "1,040,384" in project.evaluate(code)


COMMIT = """
from django.db import transaction
class Stop(Exception): pass
try:
    with transaction.atomic():
        tasks.note.enqueue(file, word="rolled back")
        raise Stop
except Stop:
    pass
with transaction.atomic():
    found = tasks.note.enqueue(file, word="committed")
    before = found.enqueued_at
result = [before is None, found.enqueued_at is None]
"""


@pytest.mark.parametrize("on_commit", ["1", "0"])
def test_enqueue_on_commit_sends_nothing_that_is_rolled_back(project: TaskProject, on_commit: str) -> None:
    found = project.evaluate(COMMIT, ON_COMMIT=on_commit)
    words = [json.loads(message["MessageBody"])["kwargs"]["word"] for message in project.sent()]
    assert words == (["committed"] if on_commit == "1" else ["rolled back", "committed"])
    assert found == [on_commit == "1", False]


def test_large_arguments_are_not_stored_for_what_is_rolled_back_or_cannot_be_sent(project: TaskProject) -> None:
    assert project.aws
    code = "from django.db import transaction\nfrom pocket.errors import AWSCallFailed\nclass Stop(Exception): pass\n"
    code += "try:\n    with transaction.atomic():\n        tasks.size.enqueue('x' * 2_000_000)\n        raise Stop\n"
    project.evaluate(code + "except Stop:\n    result = 1", ON_COMMIT="1")
    assert project.aws.calls == []
    project.aws.failures.append((400, "AccessDenied"))
    code = "from pocket.errors import AWSCallFailed\n"
    code += "try:\n    tasks.size.enqueue('x' * 2_000_000)\nexcept AWSCallFailed as error:\n    result = error.code"
    assert project.evaluate(code) == "AccessDenied"
    assert project.aws.operations == ["PutObject", "SendMessage", "DeleteObject"]
    assert project.aws.objects == {}


SIGNALS = """
try:
    from django.tasks import signals
except ImportError:
    from django_tasks import signals
def tell(name):
    def receiver(sender, task_result, **kwargs):
        sys.stderr.write(f"signal {name} {sender.__name__} {task_result.status}\\n")
    return receiver
import sys
receivers = {name: tell(name) for name in ("task_enqueued", "task_started", "task_finished")}
for name, receiver in receivers.items():
    getattr(signals, name).connect(receiver)
"""


@pytest.mark.parametrize(
    ("call", "receives", "expected"),
    [
        ("note.enqueue(file)", 1, ["task_started SQSBackend RUNNING", "task_finished SQSBackend SUCCESSFUL"]),
        ("fail.enqueue('value')", 1, ["task_started SQSBackend RUNNING"]),
        ("fail.enqueue('value')", 3, ["task_started SQSBackend RUNNING", "task_finished SQSBackend FAILED"]),
    ],
)
def test_signals(project: TaskProject, call: str, receives: int, expected: list[str]) -> None:
    (project.folder / "work" / "apps.py").write_text(
        "from django.apps import AppConfig\nclass Work(AppConfig):\n    name = 'work'\n    def ready(self):\n"
        "        import work.receivers\n"
    )
    (project.folder / "work" / "receivers.py").write_text(SIGNALS)
    project.evaluate(f"tasks.{call}\nresult = 1")
    _, log = project.deliver(*project.sent(), receives=receives)
    assert [line.partition("signal ")[2] for line in log.splitlines() if "signal " in line] == expected


@pytest.mark.parametrize("kind", ["value", "exit", "cancel", "interrupt"])
def test_whatever_a_task_raises_ends_only_itself_and_is_tried_again_later(project: TaskProject, kind: str) -> None:
    project.evaluate(f"tasks.fail.enqueue('{kind}'); tasks.note.enqueue(file)\nresult = 1")
    answer, log = project.deliver(*project.sent())
    assert answer == failed(0)
    assert project.notes == ["noted"]
    [hidden] = project.sent("ChangeMessageVisibility")
    assert hidden["ReceiptHandle"] == "receipt-0"
    assert 30 <= hidden["VisibilityTimeout"] <= 36
    assert reasons(project) == []
    assert "Traceback" in log


def test_each_pause_is_twice_as_long(project: TaskProject) -> None:
    project.evaluate("tasks.fail.enqueue('value')\nresult = 1")
    project.deliver(*project.sent(), receives=2)
    assert 60 <= project.sent("ChangeMessageVisibility")[0]["VisibilityTimeout"] <= 72


@pytest.mark.parametrize(("kind", "receives", "reason"), [("value", 3, "ValueError: no value"), ("key", 1, "KeyError")])
def test_after_its_last_attempt_or_an_error_that_is_never_retried_it_is_a_dead_letter_with_its_reason(
    project: TaskProject, kind: str, receives: int, reason: str
) -> None:
    found = project.evaluate(f"result = tasks.fail.enqueue('{kind}').id")
    [message] = project.sent()
    assert project.deliver(message, receives=receives)[0] == failed()
    [told] = reasons(project)
    assert told["PocketJob"] == found
    assert told["PocketName"] == "work.tasks.fail"
    assert told["PocketAttempts"] == str(receives)
    assert reason in told["PocketReason"]
    assert project.sent()[-1]["MessageBody"] == message["MessageBody"]


def test_a_task_that_ended_its_function_in_each_attempt_is_a_dead_letter_and_does_not_run(project: TaskProject) -> None:
    project.evaluate("tasks.fail.enqueue('die'); tasks.note.enqueue(file)\nresult = 1")
    assert project.deliver(*project.sent(), receives=3)[0] is None
    assert project.notes == []
    assert project.deliver(*project.sent()[:2], receives=4)[0] == failed()
    assert ["ended its function" in told["PocketReason"] for told in reasons(project)] == [True]
    assert project.notes == ["noted"]


@pytest.mark.parametrize(("receives", "runs"), [(5, True), (9, True), (10, False)])
def test_without_a_record_deliveries_that_neighbours_may_have_ended_are_spared(
    tmp_path: Path, aws: AWSDouble, receives: int, runs: bool
) -> None:
    handlers = {**STAGE.handlers, "jobs": Handler(HANDLER, 60, queue=True, spare=4)}
    project = TaskProject(tmp_path, aws, stage=Stage(stack_name="s", handlers=handlers, tasks=STAGE.tasks))
    project.evaluate("tasks.note.enqueue(file)\nresult = 1")
    assert project.deliver(*project.sent(), receives=receives)[0] == failed()
    assert (project.notes, len(reasons(project))) == ((["noted"], 0) if runs else ([], 1))


def test_the_first_message_of_a_fifo_batch_is_not_spared(tmp_path: Path, aws: AWSDouble) -> None:
    handlers = {**STAGE.handlers, "ordered": Handler(HANDLER, 60, queue=True, fifo=True, attempts=2, spare=4)}
    project = TaskProject(tmp_path, aws, stage=Stage(stack_name="s", handlers=handlers, tasks=STAGE.tasks))
    code = "for word in ('a', 'b'):\n    tasks.note.using(queue_name='ordered').enqueue(file, word=word)\nresult = 1"
    project.evaluate(code)
    assert project.deliver(*project.sent(), receives=3, handler="ordered")[0] == failed()
    assert project.notes == ["b"]
    assert len(reasons(project)) == 1


def test_what_has_come_most_often_is_run_first(project: TaskProject) -> None:
    code = "for word in ('a', 'b'):\n    tasks.note.enqueue(file, word=word)\nresult = 1"
    project.evaluate(code)
    a, b = project.sent()
    assert project.deliver({**a, "receives": 2}, {**b, "receives": 3})[0] == failed()
    assert project.notes == ["b", "a"]


def test_what_cannot_be_begun_in_time_comes_again_at_once(project: TaskProject) -> None:
    project.evaluate("tasks.fail.enqueue('hang'); tasks.note.enqueue(file)\nresult = 1")
    assert project.deliver(*project.sent(), left=500)[0] == failed(0, 1)
    first, second = project.sent("ChangeMessageVisibility")
    assert (first["ReceiptHandle"], second["ReceiptHandle"], second["VisibilityTimeout"]) == (
        "receipt-0",
        "receipt-1",
        0,
    )


def test_a_task_is_stopped_before_lambda_ends_the_function(project: TaskProject) -> None:
    project.evaluate("tasks.fail.enqueue('hang')\nresult = 1")
    answer, log = project.deliver(*project.sent(), left=500)
    assert answer == failed(0)
    assert "DeadlineReached" in log


WRITER = """
from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand
from work import tasks
class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("file")
    def handle(self, file, **options):
        async_to_sync(tasks.keep_writing.func)(file)
"""
AFTERWARDS = """
import json, time
print(json.dumps(handler(EVENT, Context(2000))))
before = open(FILE).read()
time.sleep(0.3)
print(json.dumps(open(FILE).read()[len(before):]))
"""


def beyond_deadline(project: TaskProject, body: dict[str, Any]) -> tuple[Any, str, str]:
    """What the handler answers to a message that has no end, what is written after that, and the log."""
    event = {"Records": [project.record(body, 0, 1, "jobs")]}
    code = f"{CONTEXT}\nfrom pocket.django.lambda_handlers import sqs_management_command_handler as handler"
    code += f"\nEVENT, FILE = {event!r}, {project.file!r}\n{AFTERWARDS}"
    done = run(code, project.folder, project.environ)
    assert done.returncode == 0, done.stderr
    answer, later = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    return answer, later, done.stderr


@pytest.mark.parametrize("kind", ["task", "stubborn", "command"])
def test_no_coroutine_goes_on_after_the_deadline(project: TaskProject, kind: str) -> None:
    commands = project.folder / "work" / "management" / "commands"
    commands.mkdir(parents=True)
    (commands / "writer.py").write_text(WRITER)
    body = {"MessageBody": json.dumps({"command": "writer", "args": [project.file]})}
    if kind != "command":
        project.evaluate(f"tasks.keep_writing.enqueue(file, stubborn={kind == 'stubborn'})\nresult = 1")
        [body] = project.sent()
    answer, later, log = beyond_deadline(project, body)
    assert answer == failed(0)
    assert project.notes[0] == "again"
    assert "cancelled" in project.notes
    assert later == ""
    assert "keep_writing (" in log, "the log shows where it was"
    assert "DeadlineReached" in log


@pytest.mark.parametrize("name", ["keep_writing_beside", "keep_writing_inside", "hang_beside_idle_loop"])
def test_no_loop_holds_the_function_beyond_the_deadline(project: TaskProject, name: str) -> None:
    project.evaluate(f"tasks.{name}.enqueue(file)\nresult = 1")
    answer, later, log = beyond_deadline(project, *project.sent())
    assert answer == failed(0)
    assert project.notes[0] == "again"
    assert later == ""
    assert "DeadlineReached" in log


def test_a_result_that_json_cannot_say_is_not_tried_again(project: TaskProject) -> None:
    project.evaluate("tasks.leave.enqueue(file)\nresult = 1")
    assert project.deliver(*project.sent())[0] == failed()
    assert project.notes == ["left"]
    assert "TypeError" in reasons(project)[0]["PocketReason"]


def test_in_a_fifo_queue_a_failure_holds_what_comes_after_it_and_a_dead_letter_does_not(project: TaskProject) -> None:
    code = "for word in ('a', 'b'):\n    tasks.note.using(queue_name='ordered').enqueue(file, word=word)\n"
    project.evaluate(code + "tasks.leave.using(queue_name='ordered').enqueue('/nowhere/x')\nresult = 1")
    a, b, bad = project.sent()
    assert project.deliver(a, bad, b, handler="ordered")[0] == failed(1, 2)
    assert project.notes == ["a"]
    assert project.deliver(bad, b, receives=2, handler="ordered")[0] == failed()
    assert project.notes == ["a", "b"]
    assert project.sent()[-1]["QueueUrl"] == url("jobs").replace("-jobs", "-ordered-dead-letters.fifo")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"task": "work.tasks.plain", "id": "i"}, "not a task"),
        ({"task": "work.tasks.missing", "id": "i"}, "cannot be run"),
        ({"task": "os.system", "id": "i", "args": ["true"]}, "not a task"),
        ({"task": "work.tasks.note"}, '"id" is missing'),
        ({"task": "work.tasks.note", "id": "i\nj"}, "id or priority is not that of a task"),
        ({"task": "work.tasks.gone", "id": "i", "priority": 70_000}, "id or priority is not that of a task"),
        ({"command": "check", "environ": {"AWS_ENDPOINT_URL": "http://example.com"}}, "it has the key 'environ'"),
        ({"task": "work.tasks.note", "id": "i", "args": "x"}, '"args" is missing or of another type'),
        ({"task": "work.tasks.size", "id": "i", "object": "../secrets"}, "a place that is not Pocket's"),
        ({"command": "nothing", "args": "x"}, "is not a list"),
    ],
)
def test_a_message_that_carries_no_job_is_a_dead_letter_at_once(
    project: TaskProject, body: dict[str, Any], reason: str
) -> None:
    whole = {"queue": "default", "enqueued": "", **body} if "task" in body else body
    assert project.deliver({"MessageBody": json.dumps(whole)})[0] == failed()
    assert [reason in told["PocketReason"] for told in reasons(project)] == [True]


@pytest.mark.parametrize("line", ["sys.exit('no')", "raise KeyboardInterrupt", "import time; time.sleep(60)"])
def test_a_module_of_tasks_that_cannot_be_imported_ends_only_its_job(project: TaskProject, line: str) -> None:
    (project.folder / "doomed.py").write_text(f"import sys\n{line}\n")
    body = {"task": "doomed.work", "id": "i", "args": [], "queue": "default", "enqueued": ""}
    project.evaluate("tasks.note.enqueue(file)\nresult = 1")
    late = "sleep" in line
    answer, _ = project.deliver({"MessageBody": json.dumps(body)}, *project.sent(), left=500)
    assert answer == (failed(0, 1) if late else failed())
    assert project.notes == ([] if late else ["noted"])


def test_a_handler_that_is_not_in_tasks_runs_none(tmp_path: Path, aws: AWSDouble) -> None:
    stage = Stage(
        stack_name="s", handlers=STAGE.handlers, tasks={"default": {"urgent": -100}, "reports": {"urgent": 0}}
    )
    project = TaskProject(tmp_path, aws, stage)
    project.evaluate("tasks.note.enqueue(file)\nresult = 1")
    [message] = project.sent()
    assert project.deliver(message)[0] == failed()
    assert project.deliver(message, handler="urgent")[0] == failed()
    [told] = reasons(project)
    assert told["PocketReason"] == (
        "The handler jobs runs no tasks: it is not in [awscontainer.tasks]. If its queue's tasks have another handler"
        " now, keep this one under another queue name until its queue and its schedules are empty."
    )
    assert project.notes == ["noted"]
    tasks = {**stage.tasks, "before": {"jobs": -100}}
    project.release(Stage(stack_name="s", handlers=STAGE.handlers, tasks=tasks))
    assert project.deliver(message)[0] == failed()
    assert project.notes == ["noted", "noted"]


def test_where_the_dead_letter_queue_refuses_the_message_it_stays(project: TaskProject) -> None:
    assert project.aws
    project.evaluate("tasks.fail.enqueue('key')\nresult = 1")
    message = project.sent()[0]
    project.aws.failures.append((400, "AccessDenied"))
    answer, log = project.deliver(message)
    assert answer == failed(0)
    assert "stays in its queue" in log


def test_no_secret_is_in_a_reason_or_in_the_log(tmp_path: Path, aws: AWSDouble) -> None:
    from pocket.manifest import SecretVariable

    aws.put("mine", "swordfish!")
    secrets = (SecretVariable("API_KEY", "secretsmanager", "mine"),)
    stage = Stage(stack_name="s", handlers=STAGE.handlers, tasks=STAGE.tasks, secrets=secrets)
    project = TaskProject(tmp_path, aws, stage=stage)
    (tmp_path / "work" / "tasks.py").write_text(
        (tmp_path / "work" / "tasks.py").read_text() + "\n@task\n@retries(attempts=1)\ndef tell():\n"
        "    raise ValueError('denied: ' + os.environ['API_KEY'])\n"
    )
    project.evaluate("tasks.tell.enqueue()\nresult = 1")
    _, log = project.deliver(*project.sent())
    assert [told["PocketReason"] for told in reasons(project)] == ["ValueError: denied: <API_KEY>"]
    assert "swordfish" not in "".join(line for line in log.splitlines() if "pocket.queue" in line)


PLAIN = '[general]\nregion = "eu-west-1"\nstages = ["dev"]\nproject_name = "board"\n'
FALLBACKS = {
    "immediate": "backends.immediate.ImmediateBackend",
    "memory": "backends.dummy.DummyBackend",
    "thread": "pocket.django.tasks.local.ThreadBackend",
}


@pytest.mark.parametrize("kind", ["", *FALLBACKS])
def test_without_a_stage_the_backend_is_the_fallbacks(tmp_path: Path, kind: str) -> None:
    table = f'[general.django_fallback.tasks]\nbackend = "{kind}"\n' if kind else ""
    (tmp_path / "pocket.toml").write_text(PLAIN + table)
    code = "from pocket.django.utils import get_tasks\nresult = get_tasks()"
    found = evaluate(code, tmp_path)["default"]
    assert found["BACKEND"].endswith(FALLBACKS[kind or "immediate"])
    assert found["QUEUES"] == []


def test_a_stage_without_queues_of_tasks_has_djangos_default(tmp_path: Path) -> None:
    project = TaskProject(tmp_path, stage=Stage(stack_name="s", handlers={"jobs": Handler("x", 60, queue=True)}))
    assert project.evaluate("result = str(tasks.note.enqueue(file).status)") == "SUCCESSFUL"
    assert project.notes == ["noted"]


THREAD = """
import time
from datetime import timedelta
from django.utils import timezone
first = tasks.note.enqueue(file, word="a")
later = tasks.note.using(run_after=timezone.now() + timedelta(seconds=0.3), priority=3, queue_name="any").enqueue(file)
bad = tasks.fail.enqueue("exit")
end = time.monotonic() + 20
while not all(item.is_finished for item in (first, later, bad)) and time.monotonic() < end:
    time.sleep(0.02)
    for item in (first, later, bad):
        item.refresh()
got = tasks.note.get_result(first.id)
result = [got.return_value, str(later.status), str(bad.status), bad.errors[0].exception_class.__name__, bad.attempts]
"""


def test_the_thread_of_a_development_server_runs_tasks_and_keeps_results(tmp_path: Path) -> None:
    project = TaskProject(tmp_path)
    (tmp_path / "pocket.toml").write_text(PLAIN + '[general.django_fallback.tasks]\nbackend = "thread"\n')
    (tmp_path / "pocket.manifest.json").unlink()
    found = project.evaluate(THREAD, POCKET_STAGE="", LAMBDA_TASK_ROOT="")
    assert found == [{"word": "a"}, "SUCCESSFUL", "FAILED", "SystemExit", 1]
    assert sorted(project.notes) == ["a", "noted"]


@pytest.mark.parametrize(
    "call", ["attempts=0", "attempts=True", "backoff=-1", "backoff=4000", "never=3", "never=(int,)"]
)
def test_retries_refuses_other_values(tmp_path: Path, call: str) -> None:
    code = f"""
from pocket.django.tasks import retries
try:
    retries({call})
except (TypeError, ValueError) as error:
    result = str(error)
"""
    assert call.partition("=")[0] in evaluate(code, tmp_path)


def test_retries_above_task_says_where_it_belongs(tmp_path: Path) -> None:
    project = TaskProject(tmp_path)
    code = "from pocket.django.tasks import retries\ntry:\n    retries(attempts=2)(tasks.note)\n"
    assert "below @task" in project.evaluate(code + "except TypeError as error:\n    result = str(error)")
