"""Django's request signals, sent at the price of what their receivers do.

Django does not cache who listens to them; to find that out takes longer than what the receivers that are always there
have to do. So while there are no others, their work is done here; with any other, Django's own `send` is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.cache import caches, close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections, reset_queries

if TYPE_CHECKING:
    from collections.abc import Iterator


def _only(signal: Any, usual: set[Any]) -> list[Any] | None:
    """The signal's receivers as they are now, if all of them are `usual`."""
    receivers, asynchronous = signal._live_receivers(sender=None)
    return list(signal.receivers) if not asynchronous and set(receivers) <= usual else None


_plain_start: list[Any] | None = None
_plain_end: list[Any] | None = None


def learn() -> None:
    """Looks at who listens; called once, when the API is made."""
    global _plain_start, _plain_end  # noqa: PLW0603  (a fact of the process, found once)
    _plain_start = _only(request_started, {reset_queries, close_old_connections})
    _plain_end = _only(request_finished, {close_old_connections, close_caches, reset_urlconf})


def started(sender: type, scope: Any) -> None:
    """Sends `request_started`: the thread's connections are checked, their logs of queries emptied."""
    if request_started.receivers != _plain_start:
        request_started.send(sender=sender, scope=scope)
        return
    for connection in _initialized():
        connection.queries_log.clear()
        connection.close_if_unusable_or_obsolete()


def finished(sender: type) -> None:
    """Sends `request_finished`: the thread's connections and caches are closed where they are not to be kept."""
    if request_finished.receivers != _plain_end:
        request_finished.send(sender=sender)
        return
    for connection in _initialized():
        connection.close_if_unusable_or_obsolete()
    caches.close_all()


def _initialized() -> Iterator[Any]:
    """The thread's connections, as `connections.all(initialized_only=True)` gives them."""
    known = connections._connections  # type: ignore[attr-defined]
    for alias in connections.settings:
        connection = getattr(known, alias, None)
        if connection is not None:
            yield connection
