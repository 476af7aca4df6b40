"""Django's request signals, without the time that Django takes to find the receivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.cache import caches, close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.urls import set_urlconf

from pocket.django.configuration.databases import begin

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.handlers.wsgi import WSGIRequest
    from django.dispatch import Signal


class Receivers:
    """Whether a request signal has, for `sender`, no receivers but `djangos`, which are Django's own.

    Django does not cache the receivers of these signals, and finding them takes longer than the work of Django's own.
    Where these are the only ones, their work can be done directly. Connecting or disconnecting a receiver changes the
    list of receivers; then Django's `send` is to be used.
    """

    def __init__(self, signal: Signal, sender: object, *djangos: Callable[..., object]) -> None:
        self._signal = signal
        self._plain = None
        receivers, asynchronous = signal._live_receivers(sender=sender)
        if not asynchronous and set(receivers) <= set(djangos):
            self._plain = list(signal.receivers)

    def are_djangos(self) -> bool:
        return bool(self._signal.receivers == self._plain)


class StartSignal:
    """Sends `request_started`; while Django's own receivers are the only ones, does their work directly."""

    def __init__(self) -> None:
        self._receivers = Receivers(request_started, WSGIHandler, reset_queries, close_old_connections)

    def send(self, request: WSGIRequest) -> None:
        """Sends the signal for `request`, with Django's WSGIHandler as sender and the request's environment."""
        if self._receivers.are_djangos():
            begin()
        else:
            request_started.send(sender=WSGIHandler, environ=request.environ)


class RequestSignals:
    """Sends both signals for `sender`, around work whose connections the caller passes to `begin` and `settle`.

    These do what Django's receivers do for connections, so signals without other receivers are not sent.
    """

    def __init__(self, sender: object) -> None:
        self._sender = sender
        self._started = Receivers(request_started, sender, reset_queries, close_old_connections)
        self._finished = Receivers(request_finished, sender, close_old_connections, close_caches, reset_urlconf)

    def start(self, **named: Any) -> None:
        if not self._started.are_djangos():
            request_started.send(sender=self._sender, **named)

    def is_finished(self) -> bool:
        """Whether `finish` would change nothing in a thread where each call has a context of its own.

        Caches and the URLconf belong to the context. In the thread's own, where `finish` runs, only receivers set them.
        """
        return self._started.are_djangos() and self._finished.are_djangos()

    def finish(self) -> None:
        if self._finished.are_djangos():
            caches.close_all()
            set_urlconf(None)
        else:
            request_finished.send(sender=self._sender)
