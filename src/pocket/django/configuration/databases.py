"""Database connections in a process that lives long: handed on clean, closed for a snapshot, led to a changed URL."""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

logger = logging.getLogger("pocket")

_NONE: Mapping[str, int] = MappingProxyType({})


def open_transactions() -> dict[str, int]:
    """How many transactions and savepoints are open on each connection of this thread, of those that have any."""
    from django.db import connections

    found = connections.all(initialized_only=True)
    return {connection.alias: len(connection.atomic_blocks) for connection in found if connection.in_atomic_block}


def settle(outer: Mapping[str, int] = _NONE) -> list[str]:
    """Ends a piece of work: each of this thread's connections is found clean, or discarded; the aliases of the latter.

    Clean is a connection that is in no transaction, by Django's account and by the driver's, and commits as its
    settings say. `outer` is what `open_transactions()` said before the work: a connection that was in a transaction
    then, as in a TestCase, is left to the code that opened it. A discarded one is closed, which rolls back; the
    next query opens another, and the log tells.
    """
    from django.db import connections

    discarded = []
    for connection in connections.all(initialized_only=True):
        alias = connection.alias
        if alias in outer:
            if len(connection.atomic_blocks) > outer[alias]:
                logger.error("The work has left a transaction on the database %s open.", alias)
        elif not _is_clean(connection):
            logger.error("The work has left the database %s within a transaction: it is rolled back.", alias)
            discarded.append(alias)
            try:
                connection.close()
            except Exception:
                logger.exception("The connection to the database %s could not be closed.", alias)
            # The wrapper stays within its transaction; the next one begins outside.
            del connections[alias]
    return discarded


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
    """Closes every connection of this thread, and what pools hold."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        _close_pool(connection)


def follow(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Gives the databases whose settings came from a changed URL the new one; returns their aliases.

    A database came from a URL if host, port, name, user and password are the URL's. `reconnect` makes it so.
    """
    from django.db import connections

    followed = []
    for variable, new in after.items():
        was, now = _parts(before.get(variable, "")), _parts(new)
        if was is None or now is None or was["scheme"] != now["scheme"]:
            continue
        for alias in connections:
            entry: Any = connections.settings[alias]
            if any(str(entry.get(key) or "") != was[key] for key in _KEYS):
                continue
            entry.update({key: now[key] for key in _KEYS})
            followed.append(alias)
    return followed


def reconnect(aliases: Iterable[str]) -> None:
    """Closes these databases' connections, so that the next query opens new ones."""
    from django.db import connections

    for alias in aliases:
        connections[alias].close()
        _close_pool(connections[alias])


_KEYS = ("HOST", "PORT", "NAME", "USER", "PASSWORD")


def _parts(url: str) -> dict[str, str] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname:
        return None
    return {
        "scheme": parts.scheme,
        "HOST": unquote(parts.hostname),
        "PORT": str(port or ""),
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }


def _close_pool(connection: Any) -> None:
    close_pool = getattr(connection, "close_pool", None)
    if close_pool is not None:
        close_pool()
