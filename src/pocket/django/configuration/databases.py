"""Database connections of a long-running process: checked after work, closed for a snapshot, renewed for new URLs."""

from __future__ import annotations

import logging
import time
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.db import connections

from pocket.django.configuration.database_urls import KEYS, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

logger = logging.getLogger("pocket")

_NONE: Mapping[str, int] = MappingProxyType({})


def begin() -> dict[str, int]:
    """Does for this thread's connections what Django does at the start of a request: drops logged queries, and closes
    connections that are unusable or older than CONN_MAX_AGE. Returns `open_transactions()`."""
    outer = {}
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()
        connection.close_if_unusable_or_obsolete()
        if connection.in_atomic_block:
            outer[connection.alias] = len(connection.atomic_blocks)
    return outer


def open_transactions() -> dict[str, int]:
    """The number of open transactions and savepoints, by alias, of this thread's connections that have any."""
    found = connections.all(initialized_only=True)
    return {connection.alias: len(connection.atomic_blocks) for connection in found if connection.in_atomic_block}


def settle(outer: Mapping[str, int] = _NONE, *, closes: bool = False) -> list[str]:
    """Checks this thread's connections after some work, and discards those that are not clean; returns their aliases.

    A clean connection is outside of transactions, for Django and for the driver, and has its settings' autocommit.
    `outer` is the result of `open_transactions()` before the work: a connection that was in a transaction then, as in a
    TestCase, stays with the code that opened it. A discarded connection is closed, which rolls back, and logged; the
    next query opens another. If it `closes`, it also does what Django does at the end of a request: it closes
    connections that are unusable or older than CONN_MAX_AGE.
    """
    discarded = []
    for connection in connections.all(initialized_only=True):
        alias = connection.alias
        if closes:
            connection.close_if_unusable_or_obsolete()
        if alias in outer:
            if len(connection.atomic_blocks) > outer[alias]:
                logger.error("A transaction on the database %s was left open.", alias)
        elif not _is_clean(connection):
            logger.error("A transaction on the database %s was left open and is rolled back.", alias)
            discarded.append(alias)
            try:
                connection.close()
            except Exception:
                logger.exception("The connection to the database %s could not be closed.", alias)
            # The wrapper still counts as in a transaction; the next one does not.
            del connections[alias]
    return discarded


def is_settled() -> bool:
    """Whether `settle(closes=True)` would certainly change nothing in this thread."""
    try:
        return all(map(_may_stay, connections.all(initialized_only=True)))
    except Exception:  # noqa: BLE001  (`settle` meets it again, and reports it)
        return False


def _may_stay(connection: Any) -> bool:
    if connection.errors_occurred or not _is_clean(connection):
        return False
    age = connection.close_at
    return connection.connection is None or age is None or age > time.monotonic()


def _is_clean(connection: Any) -> bool:
    if connection.in_atomic_block or connection.closed_in_transaction:
        return False
    raw = connection.connection
    if raw is None or not connection.settings_dict["AUTOCOMMIT"]:
        return True
    if not connection.get_autocommit():
        return False
    if connection.vendor == "sqlite":
        return not raw.in_transaction
    if connection.vendor == "postgresql":
        return int(raw.info.transaction_status) == _IDLE
    return True


_IDLE = 0
"""libpq's PQTRANS_IDLE, in both versions of psycopg."""


def close() -> None:
    """Closes all connections of this thread, and its pools."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        _close_pool(connection)


def follow(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Updates the settings of databases that come from changed variables; returns their aliases, for `reconnect`.

    A database comes from a URL if its host, port, name, user and password are the URL's, and from single variables if
    its password is the value of one; then its user is updated as well.
    """
    followed = []
    for alias in connections:
        entry: Any = connections.settings[alias]
        changed = _changed(entry, before, after)
        if changed:
            entry.update(changed)
            followed.append(alias)
    return followed


def _changed(entry: Mapping[str, Any], before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    for variable, new in after.items():
        was, now = parts(before.get(variable, "")), parts(new)
        if was is None or now is None or not (was["HOST"] and now["HOST"]) or was["scheme"] != now["scheme"]:
            continue
        if all(str(entry.get(key) or "") == was[key] for key in KEYS):
            return {key: now[key] for key in KEYS}
    new_values = {before[variable]: new for variable, new in after.items() if before.get(variable)}
    password, user = entry.get("PASSWORD"), entry.get("USER")
    if password not in new_values:
        return {}
    return {"PASSWORD": new_values[password], "USER": new_values.get(user or "", user or "")}


def reconnect(aliases: Iterable[str]) -> None:
    """Closes the connections of these databases, so that the next query opens new ones."""
    for alias in aliases:
        connections[alias].close()
        _close_pool(connections[alias])


def renew_when_refused(databases: Mapping[str, dict[str, Any]], renew: Callable[[], object]) -> None:
    """From now on, when a database refuses a password, calls `renew`, which reads the secrets, and connects again.

    To be called before Django's first connection. Django has no hook for this, so `BaseDatabaseWrapper.connect` is
    wrapped, as error trackers do. In a Django without it, the start fails here. A pool of psycopg connects in threads
    of its own, and only times out for those who wait, so its connections are of a class that does the same.
    """
    from django.db.backends.base.base import BaseDatabaseWrapper

    connect = BaseDatabaseWrapper.connect

    @wraps(connect)
    def connect_or_renew(self: Any) -> None:
        _or_renewed(lambda: connect(self), self.settings_dict, self.Database.Error, renew)

    BaseDatabaseWrapper.connect = connect_or_renew  # type: ignore[method-assign]  # see above
    for entry in databases.values():
        options = entry.get("OPTIONS") or {}
        if options.get("pool") and _engine(entry) in _POSTGRESQL:
            given = {} if options["pool"] is True else options["pool"]
            options["pool"] = {**given, "connection_class": _renewing(given.get("connection_class"), entry, renew)}


def _renewing(kind: Any, entry: Mapping[str, Any], renew: Callable[[], object]) -> Any:
    """A class of connections, derived from `kind`, that connects as `entry` says at that time."""
    import psycopg

    class RenewingConnection(kind or psycopg.Connection):  # type: ignore[misc]  # the base is known at run time
        @classmethod
        def connect(cls, conninfo: str = "", **given: Any) -> Any:
            def attempt() -> Any:
                present = {name: entry[key] for key, name in _PARAMETERS.items() if entry.get(key)}
                return super(RenewingConnection, cls).connect(conninfo, **{**given, **present})

            return _or_renewed(attempt, entry, psycopg.Error, renew)

    return RenewingConnection


_PARAMETERS = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user", "PASSWORD": "password"}


def _or_renewed(
    connect: Callable[[], Any], entry: Mapping[str, Any], errors: type[Exception], renew: Callable[[], object]
) -> Any:
    """What `connect` returns; if the server refuses the password of `entry`, once more after `renew` has changed it."""
    used = _access(entry)
    try:
        return connect()
    except errors as error:
        if not _is_refused(error):
            raise
        if _access(entry) == used:  # otherwise another thread has renewed them
            renew()
        if _access(entry) == used:
            raise
    return connect()


def _access(entry: Mapping[str, Any]) -> list[Any]:
    return [entry.get(key) for key in KEYS]


def _is_refused(error: Exception) -> bool:
    """Whether the driver's `error` means that the server refused user or password.

    While connecting, libpq has no error code, and the message is in the server's language. It has a flag, though, for a
    server that asked for a password.
    """
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state:
        return str(state).startswith(_INVALID_AUTHORIZATION)
    connection = getattr(error, "pgconn", None)
    if connection is not None:
        return bool(connection.used_password)
    return (error.args[0] if error.args else None) in _MYSQL_REFUSED or "authentication failed" in str(error)


_INVALID_AUTHORIZATION = "28"
"""The class of SQLSTATE, its first two characters."""
_MYSQL_REFUSED = (1045, 1698)
"""ER_ACCESS_DENIED_ERROR and ER_ACCESS_DENIED_NO_PASSWORD_ERROR."""


def bound_waits(databases: Mapping[str, dict[str, Any]]) -> None:
    """Lets connections to unreachable servers fail after seconds, since the system's limits are minutes.

    To be called before Django's first connection. Options that the project sets are kept.
    """
    for entry in databases.values():
        waits = _LIBPQ if _engine(entry) in _POSTGRESQL else _WAITS.get(_engine(entry))
        if waits:
            entry["OPTIONS"] = {**waits, **(entry.get("OPTIONS") or {})}


def _engine(entry: Mapping[str, Any]) -> str:
    return str(entry.get("ENGINE")).rpartition(".")[2]


_LIBPQ = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}
"""Seconds, and milliseconds for the last: https://www.postgresql.org/docs/current/libpq-connect.html"""
_POSTGRESQL = frozenset({"postgresql", "postgis", "iam"})
_WAITS = {"mysql": {"connect_timeout": 5}}


def _close_pool(connection: Any) -> None:
    close_pool = getattr(connection, "close_pool", None)
    if close_pool is not None:
        close_pool()
