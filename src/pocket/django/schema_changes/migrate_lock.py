"""The lock that allows one `migrate` at a time in a database; Django itself has no lock.

PostgreSQL and MySQL have advisory locks; an SQLite database has a locked file beside it, and any other the locked first
row of Django's table of migrations. Each is released when its process ends, however it ends.

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
"""Seconds between two attempts. No statement waits: a waiting one would block CREATE INDEX CONCURRENTLY."""

KEY = (0x706F636B, 0x65746D67)
"""The two numbers of the advisory lock, in ASCII "pocketmg"."""


@contextmanager
def held(connection: BaseDatabaseWrapper, patience: float = PATIENCE) -> Iterator[bool]:
    """Holds the lock; yields False if the database has no lock.

    Raises CommandError with the status MIGRATE_RUNS if another process holds it for `patience` seconds.
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
    """Takes the lock on a separate connection, which is unused until it is closed; None if another process has it.

    The migrations' own connection would lose it, since they may commit, roll back or reconnect. A database that is only
    compatible with another may not have its locks.
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
    """Takes a transaction's lock, so that a pooler that assigns connections by transaction keeps this one.

    The settings after it prevent the idle transaction from being ended. They also release the query's snapshot, for
    which CREATE INDEX CONCURRENTLY would wait.
    """
    own.set_autocommit(False)
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", KEY)
    (taken,) = cursor.fetchone()
    cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    if own.pg_version >= 170000:
        cursor.execute("SET LOCAL transaction_timeout = 0")
    return bool(taken)


def _mysql(own: Any, cursor: Any) -> bool | None:
    """Takes a lock by name. Names are shared by all databases of a server, so the database's name is part of it."""
    cursor.execute("SET SESSION wait_timeout = 86400")
    cursor.execute("SELECT GET_LOCK(CONCAT('pocket migrate ', SHA1(DATABASE())), 0)")
    return bool(cursor.fetchone()[0])


def _row(own: Any, cursor: Any) -> bool | None:
    """Locks the row of the first migration; None if the database has no NOWAIT, or no such row.

    The row never changes, and before it exists there is no migration to apply twice.
    """
    if not own.features.has_select_for_update_nowait:
        return None
    if not MigrationRecorder(own).has_table():
        return None
    # Names and SQL are Django's own.
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
    """Locks a file beside the database; None if it is locked.

    It is not the database's own file: SQLite's locks of a process end when any descriptor of that file is closed.
    """
    import fcntl

    if connection.is_in_memory_db():
        return _nothing
    path = f"{os.path.realpath(connection.settings_dict['NAME'])}.migrate"
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another process may have removed it in between; then this lock protects nothing.
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
