"""The migrations of a release as JSON, each operation labelled, for the gate of `pocket deploy` and for rollbacks."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.db.migrations.exceptions import InconsistentMigrationHistory


class Command(BaseCommand):
    """Lists migrations and changes nothing. Waits for a running `migrate`, during which the list would be stale."""

    help = (
        "List the pending migrations as one line of JSON, with the reasons why operations are destructive, and the"
        " database."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012  (as in Django's own commands)

    def add_arguments(self, parser: CommandParser) -> None:
        """Options that select migrations; by default the pending ones."""
        parser.add_argument("--database", default="default", help="The database whose migrations are listed.")
        parser.add_argument("--known", action="store_true", help="List the names of all migrations instead.")
        parser.add_argument("--beyond", nargs="*", metavar="NAME", help="List all migrations except these (app.name).")

    def handle(self, *args: Any, database: str, known: bool, beyond: list[str] | None, **options: Any) -> None:
        """Writes the list; raises CommandError for a history that Django would refuse to migrate."""
        from pocket.django.schema_changes import grants, migration_list
        from pocket.django.schema_changes.migrate_lock import held

        connection = connections[database]
        try:
            if known:
                found: Any = migration_list.known(connection)
            elif beyond is not None:
                found = migration_list.beyond(connection, beyond)
            else:
                with held(connection):
                    found = migration_list.pending(connection) | {"grants": grants.missing(connection)}
        except InconsistentMigrationHistory as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(found))
