"""A copy of the example on the local AWS, started and driven as a user does: by the `pocket` command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from site_client import SiteClient

REPOSITORY = Path(__file__).parent.parent.parent
EXAMPLE = REPOSITORY / "examples" / "board"
PASSWORD = "correct horse battery"

STAGE_CHANGES = """
[local.awscontainer.handlers.sqsmanagement]
timeout = 2

[local.awscontainer.handlers.sqsmanagement.sqs]
batch_size = 10
maximum_concurrency = 3
"""
"""Makes a job that was killed come back after 12 seconds instead of minutes, and harm its neighbours if it can."""

RECORD_COMMAND = """
from bbs.models import Topic
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Leave a topic as the trace of this run; fail afterwards where asked to."

    def add_arguments(self, parser):
        parser.add_argument("title")
        parser.add_argument("--fail", action="store_true")
        parser.add_argument("--through-queue", action="store_true")

    def handle(self, *args, title, fail, through_queue, **options):
        if through_queue:
            from pocket.django.utils import pocket_call_command

            self.stdout.write(pocket_call_command("record", args=[title]))
            return
        Topic.objects.create(title=title, body="-", author_name="record")
        if fail:
            raise CommandError("failed as asked")
        self.stdout.write(f"recorded {title}")
"""


@dataclass
class Board:
    """A running copy of the example: its folder, its address, and the process of `pocket local`."""

    folder: Path
    address: str
    process: subprocess.Popen[str]

    def pocket(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run_pocket(self.folder, *args, check=check)

    def client(self) -> SiteClient:
        return SiteClient(self.address)

    def stop(self) -> int:
        """Ctrl-C, as a terminal sends it; the command's exit status."""
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(30)
        self.process.stdout.close()
        return status


def environment() -> dict[str, str]:
    """The tests' own environment without anything that could reach an AWS account."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "POCKET_", "DJANGO_"))}
    return {**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "COLUMNS": "100"}


def run_pocket(folder: Path, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "pocket", *args],
        cwd=folder,
        env=environment(),
        text=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=600,
        check=False,
    )
    if check:
        assert done.returncode == 0, f"pocket {' '.join(args)}\n{done.stdout}\n{done.stderr}"
    return done


def copy_example(name: str) -> Path:
    """A fresh copy, as deep below the repository as the example: its lock names this repository by a relative path.

    It stays until the next one: to remove what a stage unpacked takes longer than many a test.
    """
    folder = REPOSITORY / ".e2e" / name
    shutil.rmtree(folder, ignore_errors=True)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    ignored = shutil.ignore_patterns(".pocket", ".venv", ".env", "db.sqlite3", "__pycache__", "media")
    shutil.copytree(EXAMPLE, folder, ignore=ignored)
    # The copies differ in a few lines of their own: what they install is built once.
    (folder / ".pocket").mkdir()
    for kept in ("build", "cache"):
        shared = REPOSITORY / ".e2e" / f"{kept}-{sys.version_info.minor}-{worker}"
        shared.mkdir(parents=True, exist_ok=True)
        (folder / ".pocket" / kept).symlink_to(shared)
    return folder


def start_local(folder: Path, *args: str, database_url: str | None = None) -> Board:
    """`pocket local` in `folder`, waited for until it prints its address; `database_url` as a user names one."""
    named = {} if database_url is None else {"POCKET_LOCAL_DATABASE_URL": database_url}
    progress = folder / ".pocket" / "progress.log"
    with progress.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pocket", "local", *args],
            cwd=folder,
            env={**environment(), **named},
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
        )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    if not address:
        process.stdout.close()
        process.wait(30)
        raise AssertionError(f"pocket local ended with {process.returncode}:\n{progress.read_text()}")
    return Board(folder, address, process)
