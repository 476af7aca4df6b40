"""What it costs to enqueue a job, and how many jobs a second one worker runs: Pocket, django-tasks-db, Celery with SQS.

    .venv/bin/python benchmarks/job_queues.py [--jobs 500] [--only "Pocket" "Celery"]

Every case sends the same task, which only notes the time, from a process of its own and runs it in another: one
environment of a function, one `db_worker`, one `celery worker -P solo`. SQS is the local AWS's. A function gets its
messages from Lambda, which is not measured here: the worker of Pocket's cases receives all before it starts, and calls
the handler with them. Databases are SQLite files, in memory where the system has /dev/shm. Packages come from PyPI,
Pocket from this repository. The cases take turns at enqueueing, in ROUNDS parts, so that other work on the machine
meets all of them; the median is shown, with the lowest and the highest. Needs uv, and the packages of `[cli]`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

from machine import REPOSITORY, find_uv

from pocket.local import start
from pocket.manifest import Handler, Manifest, Stage

DJANGO = "django==5.2.19"
REGION = "eu-central-1"
ROUNDS = 10
HANDLER = "pocket.django.lambda_handlers.sqs_management_command_handler"

SETTINGS = """
import os
SECRET_KEY = "x" * 50
INSTALLED_APPS = {apps}
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "{database}"}}}}
DATABASES["default"]["OPTIONS"] = {{"timeout": 30}}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TASKS = {{"default": {tasks}}}
"""
POCKET = {
    "BACKEND": "pocket.django.tasks.backend.SQSBackend",
    "QUEUES": ["default"],
    "OPTIONS": {
        "handlers": {"default": {"jobs": -100}},
        "attempts": {"jobs": 5},
        "bucket": None,
        "region": REGION,
        "schedule_group": "jobs",
    },
}
NOTE = """
import os, time
file = os.open("notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(number):
    os.write(file, f"{time.time()}\\n".encode())
"""
TASK = (
    NOTE
    + """
from django_tasks import task
note = task(note)
"""
)
CELERY = (
    NOTE
    + """
from urllib.parse import quote
from celery import Celery

key, secret = (quote(os.environ[name], safe="") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
app = Celery("work", broker=f"sqs://{key}:{secret}@" + os.environ["AWS_ENDPOINT_URL"].partition("//")[2])
app.conf.broker_transport_options = {"region": os.environ["AWS_REGION"], "is_secure": False, "wait_time_seconds": 1}
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True
note = app.task(note)
"""
)
ENQUEUE = """
import json, sys, time
{setup}
from work import note
send = {send}
send(0)
wall, processor = time.perf_counter(), time.process_time()
for number in range(1, {jobs}):
    send(number)
wall, processor = time.perf_counter() - wall, time.process_time() - processor
print(json.dumps([wall / {jobs} * 1000, processor / {jobs} * 1000, "boto3" in sys.modules]))
"""
WORK = """
import os
from pocket.runtime import aws
url, messages = os.environ["POCKET_JOBS_QUEUEURL"], []
ask = {{"QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}}
while len(messages) < {jobs}:
    messages += aws.call_json("sqs", "ReceiveMessage", ask, region=os.environ["AWS_REGION"]).get("Messages", [])
records = [
    {{
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:{region}:123456789012:" + url.rpartition("/")[2],
        "awsRegion": "{region}",
    }}
    for message in messages
]
from pocket.django.lambda_handlers import sqs_management_command_handler as handler

class Context:
    aws_request_id = "request"

    def get_remaining_time_in_millis(self):
        return 900_000

for start in range(0, {jobs}, {batch}):
    handler({{"Records": records[start : start + {batch}]}}, Context())
"""


class Case(NamedTuple):
    """How a case is installed and run."""

    packages: list[str]
    apps: list[str]
    tasks: dict[str, object]
    work: str = TASK
    send: str = "note.enqueue"
    setup: str = "import django; django.setup()"
    batch: int = 1
    worker: tuple[str, ...] = ("-c",)


OWN = [DJANGO, f"django-pocket[tasks] @ {REPOSITORY.as_uri()}"]
CASES = {
    "Pocket, no record": Case(OWN, ["pocket.django"], POCKET),
    "Pocket, no record, batches of 10": Case(OWN, ["pocket.django"], POCKET, batch=10),
    "Pocket, pocket.jobs": Case(OWN, ["pocket.django", "pocket.jobs"], POCKET),
    "Pocket, pocket.jobs, batches of 10": Case(OWN, ["pocket.django", "pocket.jobs"], POCKET, batch=10),
    "django-tasks-db": Case(
        [DJANGO, "django-tasks-db==0.13.0", "django-tasks"],
        ["django_tasks", "django_tasks_db"],
        {"BACKEND": "django_tasks_db.DatabaseBackend"},
        worker=("-m", "django", "db_worker", "--batch", "--no-startup-delay"),
    ),
    "Celery 5.7 with SQS, no results": Case(
        [DJANGO, "celery[sqs]==5.7.0"],
        [],
        {},
        work=CELERY,
        send="note.delay",
        setup="",
        worker=("-m", "celery", "-A", "work", "worker", "-P", "solo", "--loglevel", "ERROR"),
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--only", nargs="*", default=[""], help="beginnings of the cases' names")
    options = parser.parse_args()
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="pocket-benchmark-") as name,
        tempfile.TemporaryDirectory(prefix="pocket-benchmark-", dir=memory) as databases,
    ):
        directory = Path(name)
        with start(directory / "aws", ["web"]) as aws:
            environ = {
                "PATH": os.environ["PATH"],
                "HOME": os.environ["HOME"],
                "AWS_ENDPOINT_URL": aws.endpoint_url,
                "AWS_ACCESS_KEY_ID": aws.access_key_id,
                "AWS_SECRET_ACCESS_KEY": aws.secret_access_key,
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                "DJANGO_SETTINGS_MODULE": "settings",
            }
            chosen = [title for title in CASES if title.startswith(tuple(options.only))]
            cases = {
                title: prepare(CASES[title], directory / str(number), Path(databases), environ)
                for number, title in enumerate(chosen)
            }
            sent: dict[str, list[list[float]]] = {title: [] for title in cases}
            for _ in range(ROUNDS):
                for title, prepared in cases.items():
                    sent[title].append(enqueue(*prepared, options.jobs // ROUNDS))
            print(f"{'':36}{'enqueue':>22}{'processor':>12}{'boto3':>7}{'jobs a second':>15}")
            for title, prepared in cases.items():
                walls, processors, boto3 = zip(*sent[title], strict=True)
                spread = f"{median(walls):.1f} ({min(walls):.1f} to {max(walls):.1f}) ms"
                imported = "yes" if any(boto3) else "no"
                rate = work(*prepared, options.jobs // ROUNDS * ROUNDS)
                print(f"{title:36}{spread:>22}{median(processors):9.1f} ms{imported:>7}{rate:15.0f}", flush=True)
    return 0


def prepare(
    case: Case, folder: Path, databases: Path, environ: dict[str, str]
) -> tuple[Case, str, Path, dict[str, str]]:
    """The case with its own Python, folder, with a migrated database, and environment."""
    folder.mkdir()
    python = install(case, folder)
    database = databases / f"{folder.name}.sqlite3"
    (folder / "settings.py").write_text(SETTINGS.format(apps=case.apps, tasks=case.tasks, database=database))
    (folder / "work.py").write_text(case.work)
    own = {**environ, "PYTHONPATH": str(folder)}
    if case.packages is OWN:
        handlers, tasks = {"jobs": Handler(HANDLER, 900, queue=True)}, {"default": {"jobs": -100}}
        stage = Stage(stack_name="jobs", handlers=handlers, tasks=tasks)
        manifest = Manifest(project_name="jobs", region=REGION, writer="0", stages={"dev": stage})
        (folder / "pocket.manifest.json").write_text(manifest.to_json())
        own |= {"POCKET_STAGE": "dev", "LAMBDA_TASK_ROOT": str(folder), "POCKET_JOBS_QUEUEURL": queue(environ, folder)}
    if case.apps:
        run([python, "-m", "django", "migrate", "--verbosity", "0"], folder, own)
    return case, python, folder, own


def enqueue(case: Case, python: str, folder: Path, environ: dict[str, str], jobs: int) -> list[float]:
    """Milliseconds to enqueue a job, on the clock and of the processor, and whether boto3 is loaded."""
    code = ENQUEUE.format(setup=case.setup, send=case.send, jobs=jobs)
    found: list[float] = json.loads(run([python, "-c", code], folder, environ))
    return found


def install(case: Case, folder: Path) -> str:
    """The case's own Python."""
    subprocess.run([find_uv(), "venv", "-q", "-p", sys.executable, folder / "venv"], check=True)
    python = str(folder / "venv" / "bin" / "python")
    subprocess.run([find_uv(), "pip", "install", "-q", "-p", python, *case.packages], check=True)
    return python


def queue(environ: dict[str, str], folder: Path) -> str:
    """A new queue, whose messages stay hidden for as long as a benchmark takes."""
    import boto3

    keys = environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"]
    sqs = boto3.Session(*keys, region_name=REGION).client("sqs", endpoint_url=environ["AWS_ENDPOINT_URL"])
    name, hidden = f"jobs-{folder.name}", {"VisibilityTimeout": "3600"}
    return str(sqs.create_queue(QueueName=name, Attributes=hidden)["QueueUrl"])


def work(case: Case, python: str, folder: Path, environ: dict[str, str], jobs: int) -> float:
    """Runs the worker until all jobs have run; returns how many ran in a second."""
    code = [WORK.format(jobs=jobs, batch=case.batch, region=REGION)] if case.worker == ("-c",) else []
    with (folder / "worker.log").open("w") as log:
        process = subprocess.Popen([python, *case.worker, *code], cwd=folder, env=environ, stdout=log, stderr=log)
        notes = folder / "notes"
        try:
            while process.poll() is None and not (notes.exists() and notes.read_bytes().count(b"\n") >= jobs):
                try:
                    process.wait(0.5)
                except subprocess.TimeoutExpired:
                    continue
            if not notes.exists():
                sys.exit((folder / "worker.log").read_text())
        finally:
            process.terminate()
            process.wait(30)
    times = [float(line) for line in notes.read_text().split()]
    assert len(times) == jobs, f"{len(times)} of {jobs} jobs ran"
    return (jobs - 1) / (max(times) - min(times))


def run(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        sys.exit(f"{' '.join(command)[:200]}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
