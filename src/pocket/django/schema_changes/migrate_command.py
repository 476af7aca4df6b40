"""`migrate` inside Lambda: one at a time, with time limits, and with the database's name in its output."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from pocket.django.schema_changes import grants
from pocket.django.schema_changes.limits import LOCK_TIMEOUT, TimeIsUp, bounded, waited_for_lock
from pocket.django.schema_changes.migrate_lock import PATIENCE, held
from pocket.django.schema_changes.place import in_words
from pocket.naming import direct_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.core.management.base import BaseCommand
    from django.db.backends.base.base import BaseDatabaseWrapper


def migrate(command: BaseCommand, arguments: Sequence[Any], options: Mapping[str, Any], seconds: float | None) -> Any:
    """Calls the project's `migrate` under the lock; `seconds` are left of the invocation, None for no limit.

    Raises CommandError if another one runs or the time is up, and any exception of the command.
    """
    parsed = vars(command.create_parser("manage.py", "migrate").parse_args([str(argument) for argument in arguments]))
    chosen = {**parsed, **options}
    database = chosen.get("database") or DEFAULT_DB_ALIAS
    only_looks = chosen.get("plan") or chosen.get("check_unapplied")
    if only_looks or database not in connections.settings:
        return call_command(command, *arguments, **options)
    connection = connections[database]
    patience = PATIENCE if seconds is None else min(PATIENCE, seconds / 4)
    ends = None if seconds is None else time.monotonic() + seconds
    with _direct(connection), held(connection, patience) as locked, bounded(connection, ends) as bounds:
        _print(f"Migrating {in_words(connection)}" + (f": {', '.join(bounds)}." if bounds else "."))
        if not locked:
            _print(f"{connection.display_name} has no lock for this: make sure that no other `migrate` runs.")
        try:
            result = call_command(command, *arguments, **options)
            if user := grants.grant(connection):
                _print(f"{user} may read and write the data.")
            return result
        except TimeIsUp as error:
            raise CommandError(
                "`migrate` was stopped because the function's time is up; its last statement was cancelled in the"
                " database. Raise the handler's `timeout` (900 s at most), split the migration, or run it from your"
                " machine: pocket db migrate --stage STAGE"
            ) from error
        except DatabaseError as error:
            if waited_for_lock(error):
                raise CommandError(_waited(error)) from error
            raise


@contextmanager
def _direct(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Connects without a pooler of Neon, which would lose what a session sets."""
    settings = connection.settings_dict
    host = settings.get("HOST") or ""
    if (direct := direct_host(host)) == host:
        yield
        return
    connection.close()
    settings["HOST"] = direct
    try:
        yield
    finally:
        connection.close()
        settings["HOST"] = host


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _waited(error: DatabaseError) -> str:
    return (
        f"{str(error).strip()}\nAnother session holds a lock that the statement needs, and later statements would have"
        f" waited, too. Migrate again when the database is less busy. Pocket's limit is {LOCK_TIMEOUT} s; to change it,"
        " set a timeout in the database's OPTIONS or for the database's user."
    )
