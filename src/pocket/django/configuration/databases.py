"""Database connections in a process that lives long: closed for a snapshot, and following a changed URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
