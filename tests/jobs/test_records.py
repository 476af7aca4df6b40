"""The record of jobs: one row for each, and exactly one effect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import django
import psycopg
import pytest
from aws_double import AWSDouble
from postgres import Postgres
from task_project import HANDLER, STAGE, TaskProject, failed, url

from pocket.manifest import Handler, Stage

APPS = """
INSTALLED_APPS += ["pocket.jobs"]
"""
MIGRATE = "from django.core.management import call_command\ncall_command('migrate', verbosity=0)\nresult = 1\n"
ROWS = """
from pocket.jobs.models import Job
result = [{
    "id": job.pk, "name": job.name, "kind": job.kind, "status": job.status, "state": job.state,
    "attempts": job.attempts,
    "args": job.args, "kwargs": job.kwargs, "hidden": job.hidden, "output": job.output, "result": job.result,
    "errors": job.errors, "reason": job.reason, "queue": job.queue, "handler": job.handler, "stamp": job.stamp,
    "finished": job.finished_at is not None, "workers": job.worker_ids,
} for job in Job.objects.order_by("enqueued_at")]
"""


@pytest.fixture
def project(tmp_path: Path, aws: AWSDouble) -> TaskProject:
    project = TaskProject(tmp_path, aws, settings=APPS)
    project.evaluate(MIGRATE)
    return project


def move(project: TaskProject, tasks: dict[str, dict[str, int]]) -> None:
    """Deploys other handlers of the tasks' queues."""
    project.release(Stage(**{**vars(STAGE), "tasks": tasks}))


def rows(project: TaskProject) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.evaluate(ROWS)
    return found


def lease(project: TaskProject, seconds: float) -> None:
    """Moves the end of every lease."""
    project.evaluate(
        "from datetime import timedelta\nfrom django.utils import timezone\nfrom pocket.jobs.models import Job\n"
        f"result = Job.objects.update(lease_until=timezone.now() + timedelta(seconds={seconds}))"
    )


def test_a_task_has_a_row_from_its_enqueueing_to_its_result(project: TaskProject) -> None:
    found = project.evaluate("result = tasks.note.enqueue(file, word='a').id")
    [row] = rows(project)
    assert (row["id"], row["status"], row["attempts"], row["kind"]) == (found, "READY", 0, "task")
    assert (row["name"], row["queue"], row["handler"]) == ("work.tasks.note", "default", "jobs")
    assert (row["args"], row["kwargs"]) == ([project.file], {"word": "a"})
    assert project.deliver(*project.sent())[0] == failed()
    [row] = rows(project)
    assert (row["status"], row["attempts"], row["finished"]) == ("SUCCESSFUL", 1, True)
    assert row["output"] == "wrote a\n"
    assert row["result"] == {"word": "a"}
    code = "sent = tasks.note.enqueue(file)\nresult = sent == tasks.note.get_result(sent.id)"
    assert project.evaluate(code) is True
    code = f"found = tasks.note.get_result({found!r})\nresult = [found.return_value, found.attempts, found.is_finished]"
    assert project.evaluate(code) == [{"word": "a"}, 1, True]


def test_refresh_shows_the_end(project: TaskProject) -> None:
    deliver = project.evaluate("result = tasks.fail.enqueue('key').id")
    project.deliver(*project.sent())
    code = f"found = tasks.fail.get_result({deliver!r})\nfound.refresh()\n"
    code += "result = [str(found.status), found.errors[0].exception_class.__name__, found.errors[0].traceback]"
    status, error, trace = project.evaluate(code)
    assert (status, error) == ("FAILED", "KeyError")
    assert "in fail" in trace


@pytest.mark.parametrize(
    ("call", "error"),
    [("note.get_result('missing')", "TaskResultDoesNotExist"), ("report.get_result(found)", "TaskResultMismatch")],
)
def test_another_result_is_refused(project: TaskProject, call: str, error: str) -> None:
    code = f"found = tasks.note.enqueue(file).id\ntry:\n    tasks.{call}\nexcept Exception as error:\n"
    assert project.evaluate(code + "    result = type(error).__name__") == error


def test_a_message_that_is_delivered_twice_has_one_effect(project: TaskProject) -> None:
    project.evaluate("tasks.note.enqueue(file)\nresult = 1")
    message = project.sent()[0]
    assert project.deliver(message, message)[0] == failed()
    assert project.deliver(message, receives=2)[0] == failed()
    assert project.notes == ["noted"]
    assert rows(project)[0]["attempts"] == 1


def test_a_job_that_is_running_elsewhere_is_given_back_until_its_lease_ends(project: TaskProject) -> None:
    project.evaluate("tasks.fail.enqueue('die')\nresult = 1")
    [message] = project.sent()
    assert project.deliver(message)[0] is None
    lease(project, 100)
    assert project.deliver(message, receives=2)[0] == failed(0)
    assert 90 <= project.sent("ChangeMessageVisibility")[-1]["VisibilityTimeout"] <= 102
    assert [(row["status"], row["attempts"]) for row in rows(project)] == [("RUNNING", 1)]


def test_a_job_whose_function_ended_is_run_again_and_says_so(project: TaskProject) -> None:
    project.evaluate("tasks.fail.enqueue('die')\nresult = 1")
    [message] = project.sent()
    assert project.deliver(message)[0] is None
    lease(project, -1)
    assert rows(project)[0]["state"] == "interrupted"
    answer, log = project.deliver(message, receives=2)
    assert answer is None
    assert "is tried again. The attempt before ended its function" in log
    [row] = rows(project)
    assert row["attempts"] == 2
    assert "ended its function" in row["errors"][0]["traceback"]


def test_after_its_last_crash_it_is_failed_and_a_dead_letter(project: TaskProject) -> None:
    project.evaluate("tasks.fail.enqueue('die')\nresult = 1")
    [message] = project.sent()
    for receives in (1, 2, 3):
        project.deliver(message, receives=receives)
        lease(project, -1)
    assert project.deliver(message, receives=4)[0] == failed()
    [row] = rows(project)
    assert (row["status"], row["attempts"], len(row["errors"])) == ("FAILED", 3, 3)
    assert project.sent()[-1]["MessageAttributes"]["PocketAttempts"]["StringValue"] == "3"


def test_a_job_that_ended_its_function_runs_last_and_costs_its_neighbours_no_attempt(project: TaskProject) -> None:
    code = "tasks.fail.enqueue('die')\nfor word in ('a', 'b'):\n    tasks.note.enqueue(file, word=word)\nresult = 1"
    project.evaluate(code)
    die, a, b = project.sent()
    assert project.deliver(die, a, b)[0] is None
    assert project.notes == []
    lease(project, -1)
    assert project.deliver(die, a, b, receives=2)[0] is None
    assert project.notes == ["a", "b"]
    assert [(row["status"], row["attempts"]) for row in rows(project)] == [
        ("RUNNING", 2),
        ("SUCCESSFUL", 1),
        ("SUCCESSFUL", 1),
    ]


def test_a_job_that_was_never_begun_is_run_however_often_its_message_came(project: TaskProject) -> None:
    project.evaluate("tasks.note.enqueue(file)\nresult = 1")
    assert project.deliver(*project.sent(), receives=9)[0] == failed()
    assert project.notes == ["noted"]


def test_receives_that_were_no_attempts_are_not_counted(project: TaskProject) -> None:
    project.evaluate("tasks.fail.enqueue('value')\nresult = 1")
    assert project.deliver(*project.sent(), receives=3)[0] == failed(0)
    assert rows(project)[0]["attempts"] == 1


def test_a_failed_task_counts_its_attempts_and_keeps_each_error(project: TaskProject) -> None:
    project.evaluate("tasks.fail.enqueue('value')\nresult = 1")
    message = project.sent()[0]
    for receives in (1, 2):
        assert project.deliver(message, receives=receives)[0] == failed(0)
        assert rows(project)[0]["status"] == "READY"
    assert project.deliver(message, receives=3)[0] == failed()
    [row] = rows(project)
    assert (row["status"], row["attempts"], len(row["errors"]), row["finished"]) == ("FAILED", 3, 3, True)
    assert row["reason"] == "ValueError: no value"
    assert row["output"] == "about to fail\n"


def dead_letter(project: TaskProject) -> dict[str, Any]:
    return next(item for item in reversed(project.sent()) if item["QueueUrl"].endswith("-dead-letters"))


def test_a_dead_letter_that_comes_back_is_run_with_all_its_attempts_and_once(project: TaskProject) -> None:
    project.evaluate("tasks.fail.enqueue('key')\nresult = 1")
    message = project.sent()[0]
    project.deliver(message)
    assert project.deliver(message)[0] == failed(), "the message itself is done"
    back = dead_letter(project)
    (project.folder / "work" / "tasks.py").write_text(
        (project.folder / "work" / "tasks.py")
        .read_text()
        .replace('raise {"key"', 'return write(os.environ["DATABASE_FILE"] + ".notes", kind)\n    raise {"key"')
    )
    assert project.deliver(back, back)[0] == failed()
    [row] = rows(project)
    assert (row["status"], row["attempts"], row["stamp"]) == ("SUCCESSFUL", 1, "")
    assert (project.folder / "db.sqlite3.notes").read_text() == "key\n"


def test_a_job_whose_dead_letter_was_refused_is_not_dropped(project: TaskProject) -> None:
    assert project.aws
    project.evaluate("tasks.fail.enqueue('key')\nresult = 1")
    message = project.sent()[0]
    project.aws.failures.append((400, "AccessDenied"))
    assert project.deliver(message)[0] == failed(0)
    assert [(row["status"], row["stamp"]) for row in rows(project)] == [("FAILED", "")]
    assert project.deliver(message, receives=2)[0] == failed()
    letter = dead_letter(project)["MessageAttributes"]
    [row] = rows(project)
    assert (row["status"], row["attempts"], len(row["errors"])) == ("FAILED", 1, 1), "it did not run again"
    assert letter["PocketReason"]["StringValue"] == "KeyError: 'no key'"
    assert letter["PocketFailedAt"]["StringValue"] == row["stamp"] != ""
    sent = len(project.sent())
    assert project.deliver(message, receives=3)[0] == failed()
    assert len(project.sent()) == sent, "its letter was sent"


def test_a_task_that_the_release_lacks_has_failed_and_runs_when_it_is_back(project: TaskProject) -> None:
    found = project.evaluate("result = tasks.note.enqueue(file).id")
    [message], tasks = project.sent(), project.folder / "work" / "tasks.py"
    whole = tasks.read_text()
    tasks.write_text(whole.replace("def note(", "def renamed("))
    assert project.deliver(message)[0] == failed()
    [row], letter = rows(project), dead_letter(project)
    assert (row["id"], row["status"], row["args"]) == (found, "FAILED", [project.file])
    assert (
        "The task work.tasks.note cannot be run: ImportError"
        in letter["MessageAttributes"]["PocketReason"]["StringValue"]
    )
    assert letter["MessageAttributes"]["PocketJob"]["StringValue"] == found
    tasks.write_text(whole)
    answer, log = project.deliver(letter)
    assert answer == failed()
    assert (project.notes, rows(project)[0]["status"]) == (["noted"], "SUCCESSFUL")
    assert [line for line in log.splitlines() if found not in line] == []


def test_without_its_task_a_new_row_keeps_no_positional_argument(project: TaskProject) -> None:
    body = {"task": "work.tasks.gone", "id": "i", "args": ["swordfish"], "queue": "default", "enqueued": ""}
    assert project.deliver({"MessageBody": json.dumps(body)})[0] == failed()
    [row] = rows(project)
    assert (row["id"], row["status"], row["args"], row["hidden"]) == ("i", "FAILED", ["[hidden]"], True)


def test_a_command_that_the_handler_may_not_run_has_failed(tmp_path: Path, aws: AWSDouble) -> None:
    handlers = {**STAGE.handlers, "jobs": Handler(HANDLER, 60, queue=True, commands=("migrate",))}
    project = TaskProject(tmp_path, aws, Stage(stack_name="s", handlers=handlers, tasks=STAGE.tasks), settings=APPS)
    project.evaluate(MIGRATE)
    code = "from pocket.django.utils import pocket_call_command\n"
    sent = project.evaluate(code + "result = pocket_call_command('check', queue_key='jobs')")
    message = {**project.sent()[0], "MessageAttributes": {"PocketJob": {"StringValue": sent}}}
    assert project.deliver(message)[0] == failed()
    assert [(row["id"], row["status"], row["reason"]) for row in rows(project)] == [
        (sent, "FAILED", "The command check is not in commands of [awscontainer.handlers.jobs].")
    ]


def test_a_job_that_sqs_itself_moved_to_the_dead_letters_runs_when_it_is_back(project: TaskProject) -> None:
    assert project.aws
    project.evaluate("tasks.fail.enqueue('value')\nresult = 1")
    message = project.sent()[0]
    for receives in (1, 2):
        project.deliver(message, receives=receives)
    project.aws.failures.append((400, "AccessDenied"))
    assert project.deliver(message, receives=3)[0] == failed(0)
    assert rows(project)[0]["status"] == "FAILED"
    assert project.deliver(message)[0] == failed(0)
    assert [(row["status"], row["attempts"]) for row in rows(project)] == [("READY", 1)]


def test_commands_are_recorded_under_their_messages_id(project: TaskProject) -> None:
    code = "from pocket.django.utils import pocket_call_command\n"
    code += "result = pocket_call_command('check', ['--tag', 'models'], {'verbosity': 0}, queue_key='jobs')"
    sent = project.evaluate(code)
    [row] = rows(project)
    assert (row["id"], row["kind"], row["name"], row["status"]) == (sent, "command", "check", "READY")
    event = project.record(project.sent()[0], 0, 1, "jobs")
    assert json.loads(event["body"])["command"] == "check"


def test_a_command_that_fails_has_its_output_and_its_reason(project: TaskProject) -> None:
    body = {"MessageBody": json.dumps({"command": "check", "args": ["--nothing"]})}
    assert project.deliver(body)[0] == failed(), "wrong arguments do not get better"
    [row] = rows(project)
    assert (row["id"], row["status"], row["attempts"]) == ("message-0", "FAILED", 1)
    assert row["reason"].endswith("unrecognized arguments: --nothing")
    assert "usage:" in row["output"]


@pytest.mark.parametrize(
    ("kwargs", "shown"),
    [
        ({"password": "x", "user": 3}, {"password": "[hidden]", "user": 3}),
        ({"deep": [{"api_key": "x", "author": "a"}]}, {"deep": [{"api_key": "[hidden]", "author": "a"}]}),
        ({"token": None, "passenger": "p", "keyword": "k"}, {"token": None, "passenger": "p", "keyword": "k"}),
    ],
)
def test_secrets_are_not_recorded(kwargs: dict[str, Any], shown: dict[str, Any]) -> None:
    from pocket.django.commands.job_record import Entry
    from pocket.jobs.arguments import visible

    entry = Entry("i", "task", "t", [], kwargs)
    assert visible(entry) == ([], shown, shown != kwargs)


def test_positional_secrets_are_known_by_their_parameter_or_option() -> None:
    from pocket.django.commands.job_record import Entry
    from pocket.jobs.arguments import visible

    task = Entry("i", "task", "t", ["a", "b"], {}, parameters=("user", "password"))
    assert visible(task)[0] == ["a", "[hidden]"]
    command = Entry(
        "i", "command", "c", ["--password", "x", "--token=y", "--verbosity", "2", "--secret", "--plain"], {}
    )
    assert visible(command)[0] == [
        "--password",
        "[hidden]",
        "--token=[hidden]",
        "--verbosity",
        "2",
        "--secret",
        "--plain",
    ]


def test_arguments_that_are_nested_too_deeply_are_not_recorded() -> None:
    from pocket.django.commands.job_record import Entry
    from pocket.jobs.arguments import visible

    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert visible(Entry("i", "command", "c", [deep], {"n": 1})) == ([], {}, True)


ODD = """
@task
@retries(attempts=1)
def odd(what):
    print("a" + chr(0) + "b")
    if what == "fail":
        raise ValueError("a" + chr(0) + "b" + chr(0xD800))
    return {"deep": [float("nan")]} if what == "number" else ["a" + what]
"""


@pytest.mark.parametrize("stored", [True, False])
def test_postgresql_records_the_end_of_a_job_whatever_it_returns_or_raises(
    project: TaskProject, postgres: Postgres, stored: bool
) -> None:
    tasks, settings = project.folder / "work" / "tasks.py", project.folder / "task_settings.py"
    tasks.write_text(tasks.read_text() + ODD)
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE odd_{stored}")
    settings.write_text(
        f"{settings.read_text()}\nDATABASES['default'] = {{'ENGINE': 'django.db.backends.postgresql', 'USER':"
        f" 'postgres', 'HOST': '127.0.0.1', 'PORT': {postgres.port}, 'NAME': 'odd_{str(stored).lower()}'}}\n"
    )
    if not stored:  # what else a database may refuse
        settings.write_text(settings.read_text() + "from pocket.jobs import records\nrecords.storable = lambda v: v\n")
    code = "for what in (chr(0), chr(0xDFFF), 'number', 'fail'):\n    tasks.odd.enqueue(what)\nresult = 1"
    project.evaluate(MIGRATE + (code if stored else code.replace("chr(0), chr(0xDFFF), ", "")))
    answer, log = project.deliver(*project.sent())
    assert answer == failed()
    found = rows(project)
    assert [row["status"] for row in found] == [*["SUCCESSFUL"] * (len(found) - 1), "FAILED"]
    assert ("is recorded without" in log) is not stored
    if stored:
        assert [row["result"] for row in found[:3]] == [["a\ufffd"], ["a?"], {"deep": [None]}]
        assert [row["args"] for row in found[:2]] == [["\ufffd"], ["?"]]
        assert [row["hidden"] for row in found] == [True, True, False, False]
        assert found[3]["reason"] == "ValueError: a\ufffdb?"
        assert found[3]["output"] == "a\ufffdb\n"


def test_where_the_record_cannot_be_reached_the_job_does_not_run_and_comes_again(project: TaskProject) -> None:
    project.evaluate("tasks.note.enqueue(file)\nresult = 1")
    project.environ["DATABASE_FILE"] = "/nowhere/db"
    answer, log = project.deliver(*project.sent())
    assert answer == failed(0)
    assert project.notes == []
    assert "its job cannot be looked up" in log


def test_a_task_that_cannot_be_sent_has_no_row(project: TaskProject) -> None:
    assert project.aws
    project.aws.failures.append((400, "AccessDenied"))
    project.evaluate("try:\n    tasks.note.enqueue(file)\nexcept Exception as error:\n    result = str(error)")
    assert rows(project) == []


def test_a_cancelled_job_is_dropped_and_can_be_sent_again(project: TaskProject) -> None:
    project.evaluate("tasks.note.enqueue(file)\nresult = 1")
    act = "from pocket.jobs import actions\nfrom pocket.jobs.models import Job\njob = Job.objects.get()\n"
    project.evaluate(act + "actions.cancel(job)\nresult = 1")
    assert project.deliver(*project.sent())[0] == failed()
    assert (project.notes, rows(project)[0]["status"]) == ([], "CANCELLED")
    project.evaluate(act + "actions.retry(job)\nresult = 1")
    first, second = project.sent()
    assert json.loads(first["MessageBody"])["id"] == json.loads(second["MessageBody"])["id"]
    assert project.deliver(second, first)[0] == failed()
    assert (project.notes, rows(project)[0]["status"]) == (["noted"], "SUCCESSFUL")
    for action in ("cancel", "retry"):
        code = f"{act}try:\n    actions.{action}(job)\nexcept Exception as error:\n    result = str(error)"
        assert "is successful; only one" in project.evaluate(code)


def test_a_task_is_sent_again_to_the_handler_that_its_queue_has_today(project: TaskProject) -> None:
    code = "tasks.fail.enqueue('key')\ntasks.report.using(priority=20).enqueue()\nresult = 1"
    project.evaluate(code)
    before = project.sent()
    move(project, {"default": {"urgent": -100}, "reports": {"urgent": -100, "ordered": 10}})
    assert project.deliver(before[0])[0] == failed()
    [refused] = (row["reason"] for row in rows(project) if row["status"] == "FAILED")
    assert refused.startswith("The handler jobs runs no tasks")
    retry = "from pocket.jobs import actions\nfrom pocket.jobs.models import Job\n"
    project.evaluate(
        f"{retry}for job in Job.objects.all():\n    job.status = 'FAILED'\n    job.save()\n"
        "    actions.retry(job)\nresult = 1"
    )
    sent = {json.loads(item["MessageBody"])["task"]: item["QueueUrl"] for item in project.sent()[-2:]}
    assert sent == {"work.tasks.fail": url("urgent"), "work.tasks.report": url("ordered")}
    assert [row["handler"] for row in rows(project)] == ["urgent", "ordered"]


def test_a_task_whose_queue_is_gone_is_not_sent_again(project: TaskProject) -> None:
    project.evaluate("tasks.report.enqueue()\nresult = 1")
    move(project, {"default": {"urgent": -100}})
    (project.folder / "work" / "tasks.py").write_text("")
    code = (
        "from pocket.jobs import actions\nfrom pocket.jobs.models import Job\nfrom pocket.errors import PocketError\n"
    )
    code += "Job.objects.update(status='FAILED')\ntry:\n    actions.retry(Job.objects.get())\n"
    refusal = project.evaluate(code + "except PocketError as error:\n    result = str(error)")
    assert "its queue 'reports' is not in [awscontainer.tasks]" in refusal
    assert [row["status"] for row in rows(project)] == ["FAILED"]


def test_a_command_is_sent_again_under_its_own_id(project: TaskProject) -> None:
    bad = {"MessageBody": json.dumps({"command": "check", "args": ["--nothing"]})}
    project.deliver(bad)
    code = "from pocket.jobs import actions\nfrom pocket.jobs.models import Job\n"
    project.evaluate(code + "actions.retry(Job.objects.get())\nresult = 1")
    again = project.sent()[-1]
    assert again["QueueUrl"] == url("jobs")
    assert again["MessageAttributes"]["PocketJob"]["StringValue"] == "message-0"
    project.deliver(again)
    assert [(row["id"], row["status"]) for row in rows(project)] == [("message-0", "FAILED")]


@pytest.mark.parametrize(
    "setting", ["TASKS = {'other': TASKS['default']}", "TASKS = {'default': {'BACKEND': IMMEDIATE}}"]
)
def test_where_the_settings_have_no_backend_that_sends_the_page_says_so(project: TaskProject, setting: str) -> None:
    project.evaluate("tasks.fail.enqueue('key')\nresult = 1")
    project.deliver(*project.sent())
    settings, tasks = project.folder / "task_settings.py", project.folder / "work" / "tasks.py"
    framework = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
    immediate = f"IMMEDIATE = '{framework}.backends.immediate.ImmediateBackend'\n"
    settings.write_text(f"{settings.read_text()}\n{immediate}{setting}\n")
    tasks.write_text("")
    code = "from pocket.jobs import actions\nfrom pocket.jobs.models import Job\n"
    code += "try:\n    actions.retry(Job.objects.get())\nexcept PocketError as error:\n    result = str(error)"
    assert "cannot be sent again from here" in project.evaluate("from pocket.errors import PocketError\n" + code)
    assert rows(project)[0]["status"] == "FAILED"


def test_a_job_whose_arguments_are_hidden_is_not_sent_again_without_them(project: TaskProject) -> None:
    body = {"MessageBody": json.dumps({"command": "check", "args": ["--token=secret"]})}
    project.deliver(body)
    code = "from pocket.jobs import actions\nfrom pocket.jobs.models import Job\n"
    code += "try:\n    actions.retry(Job.objects.get())\n"
    refusal = project.evaluate(code + "except Exception as error:\n    result = str(error)")
    assert "lacks arguments that look like secrets or that a database cannot store." in refusal
    assert "pocket jobs redrive" in refusal


def test_old_rows_go_by_the_clock_and_take_their_arguments_along(project: TaskProject) -> None:
    assert project.aws
    found = project.evaluate("result = tasks.size.enqueue('x' * 2_000_000).id")
    assert project.deliver(*project.sent())[0] == failed()
    code = f"found = tasks.size.get_result({found!r})\nresult = [found.return_value, len(found.args[0])]"
    assert project.evaluate(code) == [2_000_000, 2_000_000]
    code = "from datetime import timedelta\nfrom django.utils import timezone\nfrom pocket.jobs.models import Job\n"
    project.evaluate(code + "Job.objects.update(finished_at=timezone.now() - timedelta(days=31))\nresult = 1")
    project.evaluate("tasks.note.enqueue(file)\nresult = 1")
    assert len(project.aws.objects) == 1
    project.deliver(project.sent()[-1])
    assert [row["name"] for row in rows(project)] == ["work.tasks.note"]
    assert project.aws.objects == {}


def test_however_many_old_rows_there_are_they_go(project: TaskProject) -> None:
    code = """
from datetime import timedelta
from django.utils import timezone
from pocket.django.commands import job_record
from pocket.jobs.models import Job
from pocket.jobs.records import TIDY_ROWS
old = timezone.now() - timedelta(days=31)
Job.objects.bulk_create(Job(id=str(number), name="old", enqueued_at=old) for number in range(TIDY_ROWS + 1))
left = []
for _ in range(2):
    job_record.current().tidy()
    left.append(Job.objects.count())
result = left
"""
    assert project.evaluate(code) == [1, 0]


ADMIN = """
INSTALLED_APPS += ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                   "django.contrib.sessions", "django.contrib.messages", "pocket.jobs"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}]
ROOT_URLCONF = "work.urls"
STATIC_URL = "static/"
ALLOWED_HOSTS = ["*"]
"""
PAGE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
from django.test import Client
from pocket.jobs.models import Job
user = User.objects.create_superuser("a", "a@example.com", "b")
one, two = tasks.note.enqueue(file, word="<b>"), tasks.note.enqueue(file)
client = Client()
client.force_login(user)
base = "/admin/pocket_jobs/job/"
pages = [client.get(base + path) for path in ("?status=READY", f"{one.id}/change/", "add/")]
done = client.post(base, {"action": "cancel", "_selected_action": [one.id]}, follow=True)
again = client.post(base, {"action": "retry", "_selected_action": [one.id, two.id]}, follow=True)
text = [item.content.decode() for item in (*pages, done, again)]
result = [[item.status_code for item in pages], "work.tasks.note" in text[0], "&lt;b&gt;" in text[1], "<b>" in text[1],
          "1 cancelled." in text[3], "1 sent again." in text[4], "is ready; only one" in text[4],
          sorted(job.status for job in Job.objects.all())]
"""


def test_the_admin_shows_filters_cancels_and_sends_again(tmp_path: Path, aws: AWSDouble) -> None:
    project = TaskProject(tmp_path, aws, settings=ADMIN)
    (tmp_path / "work" / "urls.py").write_text(
        "from django.contrib import admin\nfrom django.urls import path\n"
        "urlpatterns = [path('admin/', admin.site.urls)]\n"
    )
    found = project.evaluate(PAGE)
    assert found == [[200, 200, 403], True, True, False, True, True, True, ["READY", "READY"]]


def test_the_migrations_make_the_models(project: TaskProject) -> None:
    code = "from django.core.management import call_command\n"
    assert (
        project.evaluate(code + "result = call_command('makemigrations', 'pocket_jobs', check=True, verbosity=0)")
        is None
    )
