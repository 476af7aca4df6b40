"""Jobs of which one in ten goes wrong, for a copy of the example: tasks, and commands that send and count them."""

from __future__ import annotations

from pathlib import Path

JOBS = 500

TASKS = '''
"""Tasks that leave an archived topic as the trace of each run, and then go wrong if told to."""

import asyncio
import os
import sys
import time

from bbs.models import Topic
from django.utils import timezone
from pocket.django.tasks import retries

try:
    from django.tasks import task
except ImportError:
    from django_tasks import task


def leave(kind, number):
    Topic.objects.create(title=f"{kind} {number}", body="-", author_name="bulk", archived_at=timezone.now())


@task
def sound(number, ballast=""):
    leave("sound", number)


@task(takes_context=True)
def killed(context, number):
    if context.attempt == 1:
        os._exit(9)
    leave("killed once", number)


@task
@retries(attempts=1)
def bad(number, how):
    leave(how, number)
    if how == "raises":
        raise ValueError(f"number {number}")
    if how == "sys.exit":
        sys.exit(3)
    if how == "CancelledError":
        raise asyncio.CancelledError
    if how == "os._exit":
        os._exit(9)
    time.sleep(60)
'''

SEND = """
from datetime import timedelta

from bbs import bulk
from django.core.management.base import BaseCommand
from django.utils import timezone
from pocket.django.utils import pocket_call_command

BAD = [*["raises"] * 4, "sys.exit", "CancelledError", *["raises"] * 2, "sys.exit", "CancelledError"] * 5
BAD[3:24:7] = ["os._exit"] * 3
BAD[6:27:7] = ["too long"] * 3
LARGE = 2


class Command(BaseCommand):
    help = "Sends jobs of which one in ten goes wrong, and one is killed the first time; and one for much later."

    def add_arguments(self, parser):
        parser.add_argument("number", type=int)

    def handle(self, number, **options):
        for index in range(number):
            if index % 10 == 9:
                bulk.bad.enqueue(index, BAD[index // 10])
            elif index == 4:
                bulk.killed.enqueue(index)
            elif index % 25 == 1:
                pocket_call_command("bulk_run", [str(index)])
            else:
                bulk.sound.enqueue(index, "x" * 2_000_000 if index == LARGE else "")
        bulk.sound.using(run_after=timezone.now() + timedelta(days=400)).enqueue(number)
"""

RUN = """
from bbs import bulk
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Leaves its trace: as the tasks do."

    def add_arguments(self, parser):
        parser.add_argument("number", type=int)

    def handle(self, number, **options):
        bulk.leave("command", number)
"""

COUNT = """
import json
from collections import Counter

from bbs.management.commands.bulk_send import LARGE
from bbs.models import Topic
from django.core.management.base import BaseCommand
from pocket.jobs.models import Job


def kind_of(job):
    if job.kind == "command":
        return "command"
    return {"bad": job.args[1:], "killed": ["killed once"], "sound": ["sound"]}[job.name.rpartition(".")[2]][0]


class Command(BaseCommand):
    help = "Says as JSON what became of the jobs."

    def handle(self, **options):
        effects = Counter(Topic.objects.filter(author_name="bulk").values_list("title", flat=True))
        jobs = [
            {
                "id": job.pk,
                "kind": kind_of(job),
                "status": job.status,
                "attempts": job.attempts,
                "effects": effects[f"{kind_of(job)} {LARGE if job.object_key else job.args[0]}"],
                "errors": [error["traceback"].strip().splitlines()[-1] for error in job.errors],
            }
            for job in Job.objects.filter(name__regex=r"^(bbs\\.bulk\\.|bulk_run$)", run_after=None)
        ]
        self.stdout.write(json.dumps(jobs))
"""


def add_to(folder: Path) -> None:
    """Writes the tasks and commands into a copy of the example."""
    commands = folder / "bbs" / "management" / "commands"
    (folder / "bbs" / "bulk.py").write_text(TASKS)
    for name, source in {"send": SEND, "run": RUN, "count": COUNT}.items():
        (commands / f"bulk_{name}.py").write_text(source)
