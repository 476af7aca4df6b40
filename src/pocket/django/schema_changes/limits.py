"""How long a migration may block the database: while it waits for locks, and after its function's end.

A statement that waits for a lock blocks later statements, and a statement whose client is gone continues in the
database, with its locks.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import DatabaseError, connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from django.db.backends.base.base import BaseDatabaseWrapper

LOCK_TIMEOUT = 10
"""Seconds that a statement waits for another session's lock."""

OWN = " (the project's own)"

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_QUERY_CANCELED, _LOCK_NOT_AVAILABLE = "57014", "55P03"

# https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html#error_er_lock_wait_timeout
_LOCK_WAIT_TIMEOUT = 1205

logger = logging.getLogger("pocket.migrations")


class TimeIsUp(CommandError):
    """The function's time is up before the migration has ended."""


@contextmanager
def bounded(connection: BaseDatabaseWrapper, ends: float | None) -> Iterator[list[str]]:
    """Limits the time of the statements of `connection`; yields the limits as text.

    `ends` is the end of the invocation on the monotonic clock; None without one. Shortly before it, the running
    statement is cancelled in the database, and any further one raises TimeIsUp. The project's own limits, in DATABASES
    or for the database's user, are kept.
    """
    if ends is not None:
        ends -= _margin(ends - time.monotonic())
    set_bounds = _BOUNDS.get(connection.vendor)
    bounds = set_bounds(connection, None if ends is None else ends - time.monotonic()) if set_bounds else {}
    watch = _Watch(connection, ends, bounds)
    try:
        with connection.execute_wrapper(watch):
            watch.start()
            yield [f"{name} {value}" for name, value in bounds.items()]
    finally:
        watch.end()
        _unset(connection, bounds)
        connection.close()


def _margin(seconds: float) -> float:
    """Seconds left for the rollback and the response when statements are cancelled."""
    return min(3.0, seconds / 4)


def _postgresql(connection: Any, left: float | None) -> dict[str, str]:
    """Sets limits that are 0, which means unset; the server then also cancels statements of lost clients."""
    wanted = {"lock_timeout": LOCK_TIMEOUT, **({} if left is None else {"statement_timeout": max(1, round(left))})}
    limits = {}
    with connection.cursor() as cursor:
        for name, seconds in wanted.items():
            cursor.execute("SELECT setting::bigint FROM pg_settings WHERE name = %s", [name])
            (own,) = cursor.fetchone()
            if own:
                limits[name] = f"{own / 1000:g} s{OWN}"
            else:
                cursor.execute("SELECT set_config(%s, %s, false)", [name, f"{seconds}s"])
                limits[name] = f"{seconds} s"
        if connection.pg_version >= 140000:
            with suppress(DatabaseError):  # not supported by every server's system
                cursor.execute("SET client_connection_check_interval = '2s'")
    return limits


def _mysql(connection: Any, left: float | None) -> dict[str, str]:
    """Sets MySQL's lock timeout, a year by default. It has no timeout for schema changes; the watch cancels those."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@global.lock_wait_timeout, @@session.lock_wait_timeout")
        default, own = cursor.fetchone()
        if own != default or own <= LOCK_TIMEOUT:
            limits = {"lock_wait_timeout": f"{own} s{OWN}"}
        else:
            cursor.execute("SET SESSION lock_wait_timeout = %s", [LOCK_TIMEOUT])
            limits = {"lock_wait_timeout": f"{LOCK_TIMEOUT} s"}
    return limits if left is None else {**limits, "each statement": f"{max(1, round(left))} s"}


def _unset(connection: BaseDatabaseWrapper, bounds: Mapping[str, str]) -> None:
    """Resets the limits: a pool, in this process or at the server, may reuse the session."""
    reset = _RESET.get(connection.vendor)
    if reset is None or connection.connection is None:
        return
    with suppress(DatabaseError), connection.cursor() as cursor:  # a broken session is not reused
        for name in _SETTINGS & bounds.keys():
            if not bounds[name].endswith(OWN):
                cursor.execute(reset.format(name))


_BOUNDS: dict[str, Callable[[Any, float | None], dict[str, str]]] = {"postgresql": _postgresql, "mysql": _mysql}

_SETTINGS = frozenset({"lock_timeout", "lock_wait_timeout", "statement_timeout"})
_RESET = {"postgresql": "RESET {}", "mysql": "SET SESSION {} = DEFAULT"}
_SESSION = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
_CANCEL = {"postgresql": "SELECT pg_cancel_backend(%s)", "mysql": "KILL QUERY %s"}


class _Watch:
    """Wraps each statement, and cancels the running one when the time is up."""

    def __init__(self, connection: BaseDatabaseWrapper, ends: float | None, bounds: Mapping[str, str]) -> None:
        self._connection = connection
        self._lock_timeout = bounds.get("lock_timeout") == f"{LOCK_TIMEOUT} s"
        self._statement_timeout = not bounds.get("statement_timeout", OWN).endswith(OWN)
        self._ended = threading.Event()
        self._timer = None if ends is None else threading.Timer(max(0.0, ends - time.monotonic()), self._cancel)
        self._session: Any = None

    def start(self) -> None:
        query = _SESSION.get(self._connection.vendor)
        if self._timer is None:
            return
        if query:
            with self._connection.cursor() as cursor:
                cursor.execute(query)
                (self._session,) = cursor.fetchone()
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql)
        if self._ended.is_set() and not _closes(text):
            raise TimeIsUp("the function's time is up")
        try:
            if self._lock_timeout and "CONCURRENTLY" in text:
                return self._patiently(execute, sql, params, many, context)
            return execute(sql, params, many, context)
        except DatabaseError as error:
            if self._ended.is_set() or (self._statement_timeout and _code(error) == _QUERY_CANCELED):
                raise TimeIsUp("the function's time is up") from error
            raise

    def _patiently(self, *call: Any) -> Any:
        """Runs CONCURRENTLY without a lock timeout: it waits for all writers, blocks none, and fails if cancelled."""
        execute, *arguments = call
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', '0', false)")
            try:
                return execute(*arguments)
            finally:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_TIMEOUT}s"])

    def _cancel(self) -> None:
        self._ended.set()
        vendor = self._connection.vendor
        try:
            if vendor in _CANCEL:
                own = connections[self._connection.alias]  # this thread's
                try:
                    with own.cursor() as cursor:
                        cursor.execute(_CANCEL[vendor], [self._session])
                finally:
                    own.close()
            elif vendor == "sqlite" and self._connection.connection is not None:
                self._connection.connection.interrupt()
        except DatabaseError:
            logger.exception("The running statement could not be cancelled in the database.")


def waited_for_lock(error: DatabaseError) -> bool:
    """Whether a statement timed out while waiting for a lock of another session."""
    return _code(error) in {_LOCK_NOT_AVAILABLE, _LOCK_WAIT_TIMEOUT}


def _code(error: DatabaseError) -> str | int | None:
    """PostgreSQL's SQLSTATE or MySQL's number of the error; None for other databases."""
    cause = error.__cause__
    state: str | None = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state or (error.args[0] if error.args and isinstance(error.args[0], int) else None)


def _closes(sql: str) -> bool:
    """Whether the statement ends a migration: a rollback, or the record that it is applied."""
    return sql.lstrip()[:8].upper() == "ROLLBACK" or "django_migrations" in sql
