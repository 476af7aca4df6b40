"""Runs Django's tests of its task backends against Pocket's, and prints how many there were.

    .venv-next/bin/python scripts/task_suite.py     # django.tasks
    .venv/bin/python scripts/task_suite.py          # the same tests, for django-tasks on Django 5.2

`make test-tasks` runs both. It downloads the source of a Django that has tests/tasks, once; needs uv. The tests name
the dummy and the immediate backend: in their place stands Pocket's, with the record of jobs in SQLite and a double of
AWS, which checks each request by AWS's own models. In place of the immediate backend, Pocket's handler gets each
message as soon as it is sent.

The source distribution of django-tasks has no tests of its own. Django's are those of django-tasks, from which its
framework came.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any
from unittest import TestResult, TestSuite, skip

REPOSITORY = Path(__file__).resolve().parent.parent
DJANGO = "6.1.3"

DUMMY, IMMEDIATE = "DummyBackendTestCase", "ImmediateBackendTestCase"
EXCLUDED = {
    f"{DUMMY}.test_using_correct_backend": "compares OPTIONS with {}; Pocket's name the queues",
    f"{DUMMY}.test_refresh_result": "changes the dummy backend's list in memory",
    f"{DUMMY}.test_refresh_result_async": "changes the dummy backend's list in memory",
    f"{IMMEDIATE}.test_using_correct_backend": "compares OPTIONS with {}; Pocket's name the queues",
    f"{IMMEDIATE}.test_throws_keyboard_interrupt": "Pocket's worker goes on, and the task has failed",
    f"{IMMEDIATE}.test_cannot_get_result": "Pocket gives results",
    f"{IMMEDIATE}.test_cannot_refresh_result": "Pocket gives results",
    f"{IMMEDIATE}.test_cannot_pass_run_after": "Pocket runs tasks later",
    "ImmediateBackendTransactionTestCase.test_doesnt_wait_until_transaction_commit_by_default": "runs the worker inside"
    " the sender's transaction; Pocket's is another process",
}
"""Tests of what only the two backends are, each with the reason."""

EXCLUDED_ELSEWHERE = {
    "TaskTestCase.test_pickle_task": "django-tasks has no pickling",
    "TaskTestCase.test_pickle_task_result": "django-tasks has no pickling",
    "TaskTestCase.test_unpickle_arbitrary_string": "django-tasks has no pickling",
    "TaskTestCase.test_unpickle_non_task_object": "django-tasks has no pickling",
    "TaskTestCase.test_run_after_in_decorator": "django-tasks has another message",
    "CustomBackendTestCase.test_no_enqueue": "Python 3.11 has another message",
}
"""Tests that fail with django-tasks, whatever the backend."""

BACKENDS = '''
"""Pocket's backend in the place of Django's."""

import os

from aws_double import AWSDouble
from pocket.django.commands import batch
from pocket.django.tasks.backend import SQSBackend
from pocket.jobs.models import Job
from task_project import REGION, url

aws = AWSDouble()
os.environ.update(aws.environ)
HANDLERS = {"jobs": -100, "urgent": 10}


class Queues(dict):
    """Each queue has the same handlers: Django's tests name any."""

    def __missing__(self, queue):
        return HANDLERS

    def get(self, queue, default=None):
        return HANDLERS


class Context:
    aws_request_id = "request"

    def get_remaining_time_in_millis(self):
        return 60_000


class DummyBackend(SQSBackend):
    def __init__(self, alias, params):
        options = {"handlers": Queues(default=HANDLERS), "attempts": dict.fromkeys(HANDLERS, 1)}
        options |= {"bucket": None, "region": REGION, "schedule_group": "suite"}
        super().__init__(alias, {**params, "OPTIONS": options})

    def clear(self):
        Job.objects.all().delete()

    @property
    def results(self):
        return [self.get_result(job.pk) for job in Job.objects.order_by("enqueued_at")]


class ImmediateBackend(DummyBackend):
    def enqueue(self, task, args, kwargs):
        result = super().enqueue(task, args, kwargs)
        [*_, (_, sent)] = [call for call in aws.calls if call[0] == "SendMessage"]
        record = {
            "messageId": "message",
            "receiptHandle": "receipt",
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:{url('jobs').rpartition('/')[2]}",
            "awsRegion": REGION,
            "body": sent["MessageBody"],
        }
        batch.run({"Records": [record]}, Context())
        result.refresh()
        assert not aws.problems, aws.problems
        return result
'''

SETTINGS = """
SECRET_KEY = "x" * 50
INSTALLED_APPS = ["pocket.django", "pocket.jobs"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "TEST": {"NAME": "jobs.sqlite3"}}}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="Django's source distribution, instead of a download")
    parser.add_argument("--verbosity", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pocket-suite-") as name:
        folder = Path(name)
        sources(arguments.source or download(REPOSITORY / ".tools" / "sources"), folder / "tasks")
        return run(folder, arguments.verbosity)


def download(folder: Path) -> Path:
    """Django's source distribution in `folder`, from the index that uv uses where it is not there yet."""
    if (archive := folder / f"django-{DJANGO}.tar.gz").exists():
        return archive
    own = REPOSITORY / ".tools" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv") or sys.exit("uv is neither in .tools nor on the PATH")
    wanted = ["--no-deps", "--no-binary", ":all:", "--ignore-requires-python", f"django=={DJANGO}"]
    subprocess.run([uv, "tool", "run", "pip", "download", "--quiet", "--dest", str(folder), *wanted], check=True)  # noqa: S603 - uv's own
    return archive


def sources(archive: Path, target: Path) -> None:
    """The tests, which name Pocket's backends, may use a database, and import the framework that is installed."""
    from pocket.django.tasks import framework

    target.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if "/tests/tasks/" in member.name and member.name.endswith(".py"):
                text = tar.extractfile(member).read().decode()
                for kind in ("dummy", "immediate"):
                    text = text.replace(f"django.tasks.backends.{kind}", "suite_backends")
                text = text.replace("SimpleTestCase", "TransactionTestCase").replace("    available_apps = []\n", "")
                if framework.name() != "django.tasks":
                    text = re.sub(r"\b(InvalidTask|InvalidTaskBackend)\b", r"\1Error", text)
                    text = text.replace("import Task,", "import").replace("async Tasks.", "async tasks.")
                    text = text.replace(
                        "import logging\n", f"import logging\nfrom {framework.name()}.base import Task\n"
                    )
                text = text.replace("django.tasks", framework.name())
                (target / Path(member.name).name).write_text(text)


def run(folder: Path, verbosity: int) -> int:
    sys.path[:0] = [str(folder), str(REPOSITORY / "tests" / "support")]
    from fresh import write_manifest
    from task_project import HANDLER, REGION, url

    from pocket.manifest import Handler, Stage

    handlers = {name: Handler(HANDLER, 60, queue=True, attempts=1) for name in ("jobs", "urgent")}
    tasks = {"default": {"jobs": -100, "urgent": 10}}
    write_manifest(folder, Stage(stack_name="suite", handlers=handlers, tasks=tasks), region=REGION)
    (folder / "suite_backends.py").write_text(BACKENDS)
    (folder / "suite_settings.py").write_text(SETTINGS)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "suite_settings",
        "POCKET_STAGE": "dev",
        "LAMBDA_TASK_ROOT": str(folder),
        # Some tests call a backend's synchronous methods in a coroutine; Pocket's use the database.
        "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
        **{f"POCKET_{name.upper()}_QUEUEURL": url(name) for name in handlers},
    }
    import django
    from django.test.runner import DiscoverRunner

    from pocket.django.tasks import framework

    excluded = EXCLUDED if framework.name() == "django.tasks" else EXCLUDED | EXCLUDED_ELSEWHERE

    class Runner(DiscoverRunner):
        def build_suite(self, *args: Any, **kwargs: Any) -> TestSuite:
            suite = super().build_suite(*args, **kwargs)
            for test in suite:
                name = test._testMethodName
                if reason := excluded.get(f"{type(test).__name__}.{name}"):
                    setattr(type(test), name, skip(reason)(getattr(type(test), name)))
            return suite

        def suite_result(self, suite: TestSuite, result: TestResult, **kwargs: Any) -> int:
            failed = len(result.failures) + len(result.errors)
            passed = result.testsRun - failed - len(result.skipped)
            counts = f"{passed} passed, {failed} failed, {len(result.skipped)} excluded"
            lines = [f"{type(test).__name__}.{test._testMethodName}: {reason}" for test, reason in result.skipped]
            report = "\n  ".join([f"{framework.name()} with Django {django.get_version()}: {counts}", *lines])
            sys.stdout.write(f"\n{report}\n")
            return failed

    os.chdir(folder)
    django.setup()
    return min(Runner(verbosity=verbosity, interactive=False, buffer=True).run_tests(["tasks"]), 1)


if __name__ == "__main__":
    sys.exit(main())
