"""`migrate` as it runs inside Lambda: one at a time, bounded, and saying where it migrates."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from pocket.django.schema_changes.limits import LOCK_TIMEOUT, TimeIsUp, bounded, waited_for_lock
from pocket.django.schema_changes.lock import PATIENCE, held
from pocket.django.schema_changes.place import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.core.management.base import BaseCommand


def migrate(command: BaseCommand, arguments: Sequence[Any], options: Mapping[str, Any], seconds: float | None) -> Any:
    """Calls the project's `migrate` under the lock; `seconds` are what is left of the invocation, None for no end.

    Raises CommandError where another one runs, and where the time is up; else what the command raises.
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
    with held(connection, patience) as locked, bounded(connection, ends) as bounds:
        _tell(f"Migrating {in_words(connection)}" + (f": {', '.join(bounds)}." if bounds else "."))
        if not locked:
            _tell(f"{connection.display_name} has no lock for this: see to it that no other `migrate` runs.")
        try:
            return call_command(command, *arguments, **options)
        except TimeIsUp as error:
            raise CommandError(
                "`migrate` was stopped, since the function's time is up: what it did last was ended in the database,"
                " too. Raise the handler's `timeout` (900 s at most), or split the migration."
            ) from error
        except DatabaseError as error:
            if waited_for_lock(error):
                raise CommandError(_waited(error)) from error
            raise


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _waited(error: DatabaseError) -> str:
    return (
        f"{str(error).strip()}\nAnother session holds what the statement needs, and whatever came after it would have"
        f" waited as well. Migrate again when the database is quieter. {LOCK_TIMEOUT} s are Pocket's; a timeout of your"
        " own, in OPTIONS of the database or of the database's user, counts instead."
    )
