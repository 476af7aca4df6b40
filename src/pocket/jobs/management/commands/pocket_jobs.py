"""`manage.py pocket_jobs`: the record of jobs on the command line. `pocket jobs` runs it in a stage."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connections

from pocket.errors import PocketError
from pocket.jobs import actions
from pocket.jobs.models import Job

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

LISTED = ("id", "name", "kind", "state", "attempts", "queue", "enqueued_at", "finished_at", "reason")
SHOWN = (
    *LISTED,
    *("args", "kwargs", "object_key", "handler", "priority", "run_after", "started_at", "last_attempted_at"),
    *("lease_until", "result", "errors", "output", "worker_ids"),
)


MOST = 500
"""Jobs that are listed at once."""

LONGEST = 150_000
"""Characters of the JSON of a field; of a longer one, the beginning is shown."""


class Command(BaseCommand):
    """Lists, shows, retries and cancels jobs; writes JSON."""

    help = "Lists, shows, retries and cancels recorded jobs."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's way

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The four actions, each with its own arguments."""
        found = parser.add_subparsers(dest="action", required=True)
        listing = found.add_parser("list")
        listing.add_argument("--status", choices=[item.lower() for item in Job.Status.values], default=None)
        listing.add_argument("--name", default=None)
        listing.add_argument("--limit", type=_limit, default=50)
        found.add_parser("show").add_argument("ids", nargs=1)
        for action in ("retry", "cancel"):
            found.add_parser(action).add_argument("ids", nargs="+")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Runs the action. Raises CommandError for an id without a job, and for jobs that the action does not fit."""
        try:
            self._do(action, options)
        except DatabaseError as error:
            jobs = Job.objects.all()
            if jobs.model._meta.db_table in connections[jobs.db].introspection.table_names():
                raise
            raise CommandError("The database has no table of jobs. Run migrate.") from error

    def _do(self, action: str, options: dict[str, Any]) -> None:
        if action == "list":
            jobs = Job.objects.all()
            if options["status"]:
                jobs = jobs.filter(status=options["status"].upper())
            if options["name"]:
                jobs = jobs.filter(name=options["name"])
            self._write([_facts(job, LISTED) for job in jobs[: options["limit"]]])
        elif action == "show":
            self._write([_facts(job, SHOWN) for job in _found(options["ids"])])
        else:
            self._act(actions.retry if action == "retry" else actions.cancel, _found(options["ids"]))

    def _act(self, act: Callable[[Job], None], jobs: list[Job]) -> None:
        done, refused = [], []
        for job in jobs:
            try:
                act(job)
            except PocketError as error:
                refused.append(str(error))
            else:
                job.refresh_from_db()
                done.append(_facts(job, LISTED))
        self._write(done)
        if refused:
            raise CommandError("\n".join(refused))

    def _write(self, facts: list[dict[str, Any]]) -> None:
        self.stdout.write(json.dumps(facts, cls=DjangoJSONEncoder, ensure_ascii=False))


def _found(ids: list[str]) -> list[Job]:
    found = Job.objects.in_bulk(ids)
    missing = [item for item in ids if item not in found]
    if missing:
        raise CommandError(f"There is no job {', '.join(missing)}.")
    return [found[item] for item in ids]


def _limit(text: str) -> int:
    with suppress(ValueError):
        if 1 <= int(text) <= MOST:
            return int(text)
    raise ArgumentTypeError(f"expected a number from 1 to {MOST}; got {text!r}")


def _facts(job: Job, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _fact(job, name) for name in names}


def _fact(job: Job, name: str) -> Any:
    """The field, shortened where it is long: all that this command writes must fit into Lambda's response."""
    value = getattr(job, name)
    if name == "reason":
        return value[:100]
    if name == "errors":
        return [{**error, "traceback": error["traceback"][-5000:]} for error in value[-10:]]
    text = json.dumps(value, cls=DjangoJSONEncoder)
    return value if len(text) <= LONGEST else f"{text[:1000]}... ({len(text):,} characters)"
