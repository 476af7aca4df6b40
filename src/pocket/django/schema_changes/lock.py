"""One `migrate` at a time in a database, whoever starts it: Django itself has no lock.

PostgreSQL and MySQL have locks for such uses, an SQLite database has a file beside it, and elsewhere the first row of
Django's own table of migrations is held. Each ends with the process that holds it, however that ends.

https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import DatabaseError, NotSupportedError, ProgrammingError, connections
from django.db.migrations.recorder import MigrationRecorder

from pocket.django.schema_changes.place import in_words
from pocket.naming import MIGRATE_RUNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

PATIENCE = 15.0
"""Seconds to wait for another `migrate`."""

PAUSE = 0.2
"""Seconds between two looks. No statement waits: a waiting one would hold up CREATE INDEX CONCURRENTLY."""

KEY = (0x706F636B, 0x65746D67)
"""The two numbers of the advisory lock, in ASCII "pocketmg"."""


@contextmanager
def held(connection: BaseDatabaseWrapper, patience: float = PATIENCE) -> Iterator[bool]:
    """Holds the lock; False where the database has nothing to hold.

    Raises CommandError with the status MIGRATE_RUNS where another one has it for `patience` seconds.
    """
    if connection.vendor == "sqlite":
        take: Callable[[], Callable[[], None] | None] = lambda: _take_file(connection)  # noqa: E731 - one of two ways
    else:
        take = lambda: _take_session(connection)  # noqa: E731 - see above
    ends = time.monotonic() + patience
    while (release := take()) is None:
        if time.monotonic() >= ends:
            raise CommandError(
                f"Another `migrate` runs in {in_words(connection)}. Nothing was migrated by this one.",
                returncode=MIGRATE_RUNS,
            )
        time.sleep(PAUSE)
    try:
        yield release is not _nothing
    finally:
        release()


def _nothing() -> None:
    """Releases nothing."""


def _take_session(connection: BaseDatabaseWrapper) -> Callable[[], None] | None:
    """Takes the lock on a connection of its own, which is left alone until it is closed; None where it is taken.

    The migrations' own connection would lose it: they may commit, roll back or reconnect. A database that speaks the
    language of another may lack its locks.
    """
    own: Any = connections.create_connection(connection.alias)
    try:
        with own.cursor() as cursor:
            taken = _TAKE.get(connection.vendor, _row)(own, cursor)
    except (NotSupportedError, ProgrammingError):
        taken = None
    except BaseException:
        own.close()
        raise
    if taken is None:
        own.close()
        return _nothing
    if not taken:
        own.close()
        return None
    return own.close  # type: ignore[no-any-return] # the connection is typed as Any


def _postgresql(own: Any, cursor: Any) -> bool | None:
    """The lock of a transaction, so that a pooler which hands out connections by transaction keeps it in its place.

    The settings that follow keep the transaction from being ended for its idleness. They also free the snapshot of the
    query before them, which CREATE INDEX CONCURRENTLY would wait for.
    """
    own.set_autocommit(False)
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", KEY)
    (taken,) = cursor.fetchone()
    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    if own.pg_version >= 170000:
        cursor.execute("SET LOCAL transaction_timeout = 0")
    return bool(taken)


def _mysql(own: Any, cursor: Any) -> bool | None:
    """A lock by name, which is one for all databases of the server, so the database's name is part of it."""
    cursor.execute("SET SESSION wait_timeout = 86400")
    cursor.execute("SELECT GET_LOCK(CONCAT('pocket migrate ', SHA1(DATABASE())), 0)")
    return bool(cursor.fetchone()[0])


def _row(own: Any, cursor: Any) -> bool | None:
    """The row of the first migration, where the database can say at once that a row is locked; None where it cannot.

    Nobody changes that row, and before there is one there is nothing to be migrated twice.
    """
    if not own.features.has_select_for_update_nowait:
        return None
    if not MigrationRecorder(own).has_table():
        return None
    # Django's own names, and its own SQL.
    table, column = own.ops.quote_name("django_migrations"), own.ops.quote_name("id")
    cursor.execute(f"SELECT MIN({column}) FROM {table}")  # noqa: S608
    (first,) = cursor.fetchone()
    if first is None:
        return None
    own.set_autocommit(False)
    lock = f"SELECT {column} FROM {table} WHERE {column} = %s {own.ops.for_update_sql(nowait=True)}"  # noqa: S608
    try:
        cursor.execute(lock, [first])
    except (NotSupportedError, ProgrammingError):
        return None
    except DatabaseError:
        return False
    return cursor.fetchone() is not None


_TAKE: dict[str, Callable[[Any, Any], bool | None]] = {"postgresql": _postgresql, "mysql": _mysql}


def _take_file(connection: Any) -> Callable[[], None] | None:
    """Locks a file beside the database; None where it is locked.

    Not the database's own: SQLite's locks of a process end as soon as any descriptor of that file is closed.
    """
    import fcntl

    if connection.is_in_memory_db():
        return _nothing
    path = f"{os.path.realpath(connection.settings_dict['NAME'])}.migrate"
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another one may have removed it in between: then this is a lock of nothing.
        same = os.fstat(file).st_ino == os.stat(path).st_ino  # noqa: PTH116 - beside fstat, of the same kind
    except (BlockingIOError, FileNotFoundError):
        same = False
    if not same:
        os.close(file)
        return None

    def release() -> None:
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - a path that os made
        os.close(file)

    return release
