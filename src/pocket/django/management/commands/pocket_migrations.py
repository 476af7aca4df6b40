"""The migrations of a release as JSON, each operation labelled, for the gate of `pocket deploy` and for rollbacks."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.db.migrations.exceptions import InconsistentMigrationHistory


class Command(BaseCommand):
    """Changes nothing, in the database or elsewhere. Another `migrate` is waited for: its list would be stale."""

    help = (
        "List the pending migrations as one line of JSON, with why each operation is destructive, if it is, and the"
        " database that they are for."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own way of saying it)

    def add_arguments(self, parser: CommandParser) -> None:
        """Which migrations are listed: the pending ones, without an option."""
        parser.add_argument("--database", default="default", help="The database that migrations are pending in.")
        parser.add_argument("--known", action="store_true", help="List the names of all migrations instead.")
        parser.add_argument("--beyond", nargs="*", metavar="NAME", help="Label all migrations but these, as app.name.")

    def handle(self, *args: Any, database: str, known: bool, beyond: list[str] | None, **options: Any) -> None:
        """Writes what was asked for; raises CommandError for a history that Django would refuse to migrate."""
        from pocket.django.schema_changes import plan as migration_plan
        from pocket.django.schema_changes.lock import held

        connection = connections[database]
        try:
            if known:
                found: Any = migration_plan.known(connection)
            elif beyond is not None:
                found = migration_plan.beyond(connection, beyond)
            else:
                with held(connection):
                    found = migration_plan.pending(connection)
        except InconsistentMigrationHistory as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(found))
