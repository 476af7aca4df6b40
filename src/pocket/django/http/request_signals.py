"""Django's signal for the start of a request, sent at the price of what its receivers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started
from django.db import close_old_connections, connections, reset_queries

if TYPE_CHECKING:
    from django.core.handlers.wsgi import WSGIRequest


class StartSignal:
    """Sends `request_started`, and does what Django's own receivers do itself while there are no others.

    Django does not cache who listens to this signal; finding that out takes longer than what the two receivers that
    are always there have to do. Whoever connects or disconnects changes the list of receivers, and is then served by
    Django's own `send`.
    """

    def __init__(self) -> None:
        self._plain = None
        receivers, asynchronous = request_started._live_receivers(sender=WSGIHandler)
        if not asynchronous and set(receivers) <= {reset_queries, close_old_connections}:
            self._plain = list(request_started.receivers)

    def send(self, request: WSGIRequest) -> None:
        """Tells all receivers that Django's WSGI handler has begun with `request`; they get its environment."""
        if request_started.receivers != self._plain:
            request_started.send(sender=WSGIHandler, environ=request.environ)
            return
        for connection in connections.all(initialized_only=True):
            connection.queries_log.clear()
            connection.close_if_unusable_or_obsolete()
