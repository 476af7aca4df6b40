"""`manage.py pocket_jobs`, which `pocket jobs` runs in a stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aws_double import AWSDouble
from task_project import TaskProject

CALL = """
import io
from django.core.management import call_command
from django.core.management.base import CommandError
def call(*arguments):
    out = io.StringIO()
    try:
        call_command("pocket_jobs", *arguments, stdout=out)
    except CommandError as error:
        return [json.loads(out.getvalue() or "null"), str(error)]
    return json.loads(out.getvalue())
"""
STEPS = """
call_command("migrate", verbosity=0)
one, two = tasks.note.enqueue(file).id, tasks.size.enqueue("x").id
names = [job["name"] for job in call("list")]
some = [job["id"] for job in call("list", "--name", "work.tasks.size", "--status", "ready", "--limit", "5")]
[shown] = call("show", one)
cancelled = call("cancel", one)
refused = call("cancel", one, two)
again = call("retry", one)
missing = call("show", "nothing")
result = [one, two, names, some, shown, cancelled, refused, again, missing]
"""


LARGE = """
refused = call("list")
call_command("migrate", verbosity=0)
from pocket.jobs.models import Job
one = Job(id="1", kind="task", name="n", args=["x" * 1_010_000], result={"a": "y" * 1_010_000}, output="o" * 20_000)
one.errors = [{"exception_class_path": "ValueError", "traceback": "e" * 200_000 + "the end"}] * 50
one.save()
long = {"kind": "task", "name": "n" * 255, "errors": [{"exception_class_path": "E", "traceback": "ü" * 9000}]}
Job.objects.bulk_create(Job(id=f"{n:0100d}", **long) for n in range(500))
from pocket.django.commands import command
def size(*arguments):
    found = command.run({"command": "pocket_jobs", "args": list(arguments), "on_failure": "report"})
    return [found["exit_status"], len(json.loads(found["stdout"] or "[]")), found["stderr"]]
result = [refused, size("list", "--limit", "500"), size("show", "1"), call("show", "1")]
result += [[size("list", f"--limit={limit}") for limit in ("-1", "x", "501")]]
"""


def test_what_it_writes_fits_into_a_response_and_a_missing_table_says_what_to_do(
    tmp_path: Path, aws: AWSDouble
) -> None:
    project = TaskProject(tmp_path, aws, settings='INSTALLED_APPS += ["pocket.jobs"]\n')
    refused, listed, one, [shown], limits = project.evaluate(CALL + LARGE)
    assert refused == [None, "The database has no table of jobs. Run migrate."]
    assert (listed[:2], one[:2]) == ([0, 500], [0, 1])
    assert shown["args"].endswith("xxx... (1,010,004 characters)")
    assert shown["errors"][-1]["traceback"].endswith("the end")
    for (status, _, error), limit in zip(limits, ("-1", "x", "501"), strict=True):
        assert (status, f"expected a number from 1 to 500; got '{limit}'" in error) == (2, True)


def test_it_lists_shows_cancels_and_retries(tmp_path: Path, aws: AWSDouble) -> None:
    project = TaskProject(tmp_path, aws, settings='INSTALLED_APPS += ["pocket.jobs"]\n')
    found: list[Any] = project.evaluate(CALL + STEPS)
    one, two, names, some, shown, cancelled, refused, again, missing = found
    assert names == ["work.tasks.size", "work.tasks.note"]
    assert some == [two]
    assert (shown["args"], shown["errors"], shown["output"]) == ([project.file], [], "")
    assert [(job["id"], job["state"]) for job in cancelled] == [(one, "cancelled")]
    assert [job["id"] for job in refused[0]] == [two]
    assert "only one that is ready can be cancelled" in refused[1]
    assert [(job["id"], job["state"], job["attempts"]) for job in again] == [(one, "ready", 0)]
    assert missing[1] == "There is no job nothing."
    assert [json.loads(message["MessageBody"])["id"] for message in project.sent()] == [one, two, one]
