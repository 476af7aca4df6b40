"""Database connections without a database: each query is recorded with its stack and returns no rows.

The project's backend and driver are imported and measured; only connecting and cursors are replaced, so no host is
ever reached.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pocket.doctor import frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pocket.doctor.recording import Recorder

_LITERAL = re.compile(r"'(?:[^']|'')*'")
_LONGEST = 160
_NEW = (99, 0)
_SERVER: dict[str, Any] = {
    "pg_version": 990000,
    "oracle_version": _NEW,
    "mysql_server_data": {
        "version": "99.0.0",
        "sql_mode": "",
        "default_storage_engine": "InnoDB",
        "sql_auto_is_null": False,
        "lower_case_table_names": 0,
        "has_zoneinfo_database": True,
    },
}
"""The server's facts that Django's backends cache, by the names of their cached properties."""


class Query:
    """A query that was not executed; `sql` is without values, `phase` the name of the outermost span."""

    __slots__ = ("at_import", "phase", "sql", "stack")

    def __init__(self, sql: str, stack: list[frames.Frame], phase: str, at_import: bool) -> None:
        self.sql = sql
        self.stack = stack
        self.phase = phase
        self.at_import = at_import


class Interceptor:
    """Records queries in `queries`, in order; `install` applies to the whole process."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.queries: list[Query] = []

    def install(self) -> None:
        """Replaces connecting and cursors in every connection from now on."""
        from django.db.backends.base.base import BaseDatabaseWrapper

        patched: Any = BaseDatabaseWrapper
        made = patched.__init__

        def making(wrapper: Any, *args: Any, **kwargs: Any) -> None:
            made(wrapper, *args, **kwargs)
            self._cut_off(wrapper)

        patched.__init__ = making

    def _cut_off(self, wrapper: Any) -> None:
        """Replaces one connection's methods that reach a server, and sets the server's facts."""
        from django.db.backends.utils import CursorWrapper

        def connect() -> None:
            if wrapper.connection is None:
                wrapper.connection = _Connection(self.note)
                wrapper.autocommit = True
                wrapper.in_atomic_block = wrapper.needs_rollback = wrapper.closed_in_transaction = False

        def cursor(name: str | None = None) -> Any:
            connect()
            return CursorWrapper(_Cursor(self.note), wrapper)

        wrapper.connect = wrapper.ensure_connection = connect
        wrapper.get_new_connection = lambda *args, **kwargs: _Connection(self.note)
        wrapper._cursor = cursor
        wrapper.is_usable = lambda: True
        wrapper.get_database_version = lambda: _NEW
        vars(wrapper).update(_SERVER)

    def note(self, sql: object) -> None:
        """Records one query."""
        stack = frames.here()
        phase = self.recorder.stack[0].name if self.recorder.stack else ""
        text = " ".join(_LITERAL.sub("'…'", str(sql)).split())
        text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
        self.queries.append(Query(text, stack, phase, bool(self.recorder.importing())))


class _Connection:
    """A driver's connection whose methods do nothing; for SQLite and psycopg it is not in a transaction."""

    in_transaction = False
    info = SimpleNamespace(transaction_status=0)

    def __init__(self, note: Callable[[object], None]) -> None:
        self._note = note

    def cursor(self, *args: Any, **kwargs: Any) -> _Cursor:
        return _Cursor(self._note)

    def __getattr__(self, name: str) -> Any:
        return _nothing


class _Cursor:
    """A driver's cursor that returns no rows."""

    rowcount = 0
    lastrowid = 0
    description: Any = ()
    arraysize = 1

    def __init__(self, note: Callable[[object], None]) -> None:
        self._note = note

    def execute(self, sql: object, *args: Any, **kwargs: Any) -> None:
        self._note(sql)

    executemany = callproc = execute

    def fetchone(self) -> None:
        return None

    def fetchmany(self, *args: Any) -> list[Any]:
        return []

    def fetchall(self) -> list[Any]:
        return []

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getattr__(self, name: str) -> Any:
        return _nothing


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None
