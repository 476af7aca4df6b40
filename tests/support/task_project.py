"""A Django project with tasks, in a folder of its own; what it sends is delivered by the test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_double import AWSDouble
from fresh import run, write_manifest

from pocket.manifest import Handler, Stage

TASKS = """
import asyncio, os, sys, time
try:
    from django.tasks import task
except ImportError:
    from django_tasks import task
from asgiref.sync import async_to_sync, sync_to_async
from pocket.django.tasks import retries
from django.db import transaction


def write(file, text):
    with open(file, "a") as out:
        out.write(text + chr(10))


@task
def note(file, word="noted"):
    write(file, word)
    print("wrote " + word)
    return {"word": word}


@task
async def note_later(file, word):
    await asyncio.sleep(0)
    write(file, word)


@task
async def keep_writing(file, stubborn=False):
    while True:
        try:
            await asyncio.sleep(0.05)
            write(file, "again")
        except asyncio.CancelledError:
            write(file, "cancelled")
            if not stubborn:
                raise


@task
async def keep_writing_beside(file):
    writing = asyncio.create_task(keep_writing.func(file, stubborn=True))
    await sync_to_async(time.sleep)(60)


@task
async def keep_writing_inside(file):
    await sync_to_async(async_to_sync(keep_writing.func))(file, stubborn=True)


@task
def hang_beside_idle_loop(file):
    from pocket.django.http.coroutines import Bridge
    Bridge()
    write(file, "again")
    time.sleep(60)


@task(takes_context=True)
def note_context(context, file):
    result = context.task_result
    write(file, f"{context.attempt} {result.id} {result.status} {result.task.queue_name} {len(result.errors)}")


@task
@retries(attempts=3, backoff=30, never=KeyError)
def fail(kind):
    print("about to fail")
    if kind == "cancel":
        raise asyncio.CancelledError
    if kind == "exit":
        sys.exit(3)
    if kind == "die":
        os._exit(9)
    if kind == "hang":
        time.sleep(60)
    if kind == "interrupt":
        raise KeyboardInterrupt
    raise {"key": KeyError, "value": ValueError}[kind]("no " + kind)


@task
def leave(file):
    write(file, "left")
    return object()


@task
def size(text):
    return len(text)


@task(queue_name="reports")
def report():
    pass


def plain():
    pass


def lost():
    @task
    def inner():
        pass
"""
SETTINGS = """
import os
from pocket.django.runtime import set_envs
from pocket.django.utils import get_tasks
set_envs()
SECRET_KEY = "x" * 50
INSTALLED_APPS = ["pocket.django", "work"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE_FILE"]}}
USE_TZ = True
TASKS = get_tasks(enqueue_on_commit=os.environ.get("ON_COMMIT") == "1")
"""
REGION = "eu-west-1"
BASE = f"https://sqs.{REGION}.amazonaws.com/123456789012/pocket-dev-board"
HANDLER = "pocket.django.lambda_handlers.sqs_management_command_handler"
STAGE = Stage(
    stack_name="pocket-dev-board",
    bucket_name="board-bucket",
    handlers={
        "jobs": Handler(HANDLER, 60, queue=True),
        "urgent": Handler(HANDLER, 60, queue=True),
        "ordered": Handler(HANDLER, 60, queue=True, fifo=True, attempts=2),
    },
    tasks={"default": {"jobs": -100}, "reports": {"jobs": 0, "urgent": 10}, "ordered": {"ordered": -100}},
)
CONTEXT = """
class Context:
    aws_request_id = "request-1"
    def __init__(self, left=60_000):
        self.left = left
    def get_remaining_time_in_millis(self):
        return self.left
"""


class TaskProject:
    """The project of the stage `dev` in `folder`, whose calls go to the double."""

    def __init__(self, folder: Path, aws: AWSDouble | None = None, stage: Stage = STAGE, settings: str = "") -> None:
        self.folder = folder
        self.aws = aws
        (folder / "work").mkdir()
        (folder / "work" / "__init__.py").touch()
        (folder / "work" / "tasks.py").write_text(TASKS)
        (folder / "task_settings.py").write_text(SETTINGS + settings)
        self.release(stage)
        self.environ = {
            "DJANGO_SETTINGS_MODULE": "task_settings",
            "DATABASE_FILE": str(folder / "db.sqlite3"),
            "POCKET_STAGE": "dev",
            "POCKET_HOSTS": "",
            "POCKET_TASK_SCHEDULER_ROLE": "arn:aws:iam::123456789012:role/sender",
            "LAMBDA_TASK_ROOT": str(folder),
            **{f"POCKET_{name.upper()}_QUEUEURL": url(name) for name in ("jobs", "urgent", "ordered")},
            **(aws.environ if aws else {}),
        }

    def release(self, stage: Stage) -> None:
        """Gives the project's stage other contents."""
        write_manifest(self.folder, stage, region=REGION)

    @property
    def notes(self) -> list[str]:
        path = self.folder / "notes"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def file(self) -> str:
        return str(self.folder / "notes")

    def evaluate(self, code: str, **environ: str) -> Any:
        """What `code` leaves in `result`, with Django set up and the tasks imported."""
        before = "import django, json; django.setup()\nfrom work import tasks\n" + f"file = {self.file!r}\n"
        done = run(f"{before}{code}\nprint(json.dumps(result))", self.folder, {**self.environ, **environ})
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def sent(self, operation: str = "SendMessage") -> list[dict[str, Any]]:
        assert self.aws
        return [payload for name, payload in self.aws.calls if name == operation]

    def deliver(
        self, *payloads: Mapping[str, Any], receives: int = 1, left: int = 60_000, handler: str = "jobs"
    ) -> tuple[Any, str]:
        """What the handler answers to a batch of what was sent, None where its process ended; and the log."""
        event = {"Records": [self.record(item, number, receives, handler) for number, item in enumerate(payloads)]}
        code = f"""
import json, sys
{CONTEXT}
from pocket.django.lambda_handlers import sqs_management_command_handler as handler
print(json.dumps(handler(json.loads(sys.stdin.read()), Context({left}))))
"""
        done = run(f"import io, sys; sys.stdin = io.StringIO({json.dumps(event)!r})\n{code}", self.folder, self.environ)
        answer = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
        return answer, done.stderr

    def record(self, payload: Mapping[str, Any], number: int, receives: int, handler: str) -> dict[str, Any]:
        attributes = {
            name: {"stringValue": item["StringValue"], "dataType": "String"}
            for name, item in payload.get("MessageAttributes", {}).items()
        }
        return {
            "messageId": f"message-{number}",
            "receiptHandle": f"receipt-{number}",
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:{url(handler).rpartition('/')[2]}",
            "awsRegion": REGION,
            "body": payload["MessageBody"],
            "attributes": {"ApproximateReceiveCount": str(payload.get("receives", receives))},
            "messageAttributes": attributes,
        }


def url(handler: str) -> str:
    """The URL of a handler's queue."""
    return f"{BASE}-{handler}" + (".fifo" if handler == "ordered" else "")


def failed(*numbers: int) -> dict[str, Any]:
    """The answer that these messages come again."""
    return {"batchItemFailures": [{"itemIdentifier": f"message-{number}"} for number in numbers]}
