"""Django's `request_started`, sent without the time that Django takes to find the receivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries

from pocket.django.configuration.databases import begin

if TYPE_CHECKING:
    from django.core.handlers.wsgi import WSGIRequest


class StartSignal:
    """Sends `request_started`; while Django's own receivers are the only ones, does their work directly.

    Django does not cache this signal's receivers, and finding them takes longer than the work of Django's two.
    Connecting or disconnecting a receiver changes the list of receivers; then Django's `send` is used.
    """

    def __init__(self) -> None:
        self._plain = None
        receivers, asynchronous = request_started._live_receivers(sender=WSGIHandler)
        if not asynchronous and set(receivers) <= {reset_queries, close_old_connections}:
            self._plain = list(request_started.receivers)

    def send(self, request: WSGIRequest) -> None:
        """Sends the signal for `request`, with Django's WSGIHandler as sender and the request's environment."""
        if request_started.receivers != self._plain:
            request_started.send(sender=WSGIHandler, environ=request.environ)
            return
        begin()
