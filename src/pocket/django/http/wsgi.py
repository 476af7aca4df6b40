"""Django behind Lambda's HTTP events, without a WSGI server in between."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse
from django.urls import get_script_prefix, set_script_prefix

from pocket.django.http.request import LambdaRequest
from pocket.django.http.request_signals import StartSignal
from pocket.errors import DeadlineExceeded, ResponseTooLarge
from pocket.lambda_http.formats import choose
from pocket.lambda_http.request import Gateway
from pocket.lambda_http.response import COOKIE, FAILED, TIMED_OUT, Response, finish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pocket.django.http.coroutines import Bridge
    from pocket.lambda_http.request import Request

logger = logging.getLogger("pocket.http")


class LambdaHandler(BaseHandler):
    """Answers events with Django's middleware chain; one a process, since it loads the middleware."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.time_limit: Any = None
        """What `EventLoop.run` takes as the limit for coroutines."""
        self._bridge: Bridge | None = None
        self._started = StartSignal()
        self._views: dict[Any, Any] = {}
        self.load_middleware()

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any] | bytes:
        """The response to `event` in the event's own format; raises UnknownEvent for what is no HTTP event."""
        form = choose(event)
        request = form.parse(event, self.gateway)
        try:
            return finish(form, event, request.method, self.respond(request, event, context, form.LIMIT))
        except ResponseTooLarge as error:
            failure = FAILED
            logger.error("%s %s: %s %s", request.method, request.path, error.message, error.hint)
        except DeadlineExceeded:
            failure = TIMED_OUT
        except Exception:
            failure = FAILED
            logger.exception("%s %s: the request failed outside Django's own handling.", request.method, request.path)
        return finish(form, event, request.method, failure)

    def respond(self, request: Request, event: dict[str, Any], context: Any, limit: int) -> Response:
        """The answer of the middleware chain, read to its end, with Django's signals around it.

        Raises ResponseTooLarge for a stream of more than `limit` bytes.
        """
        django_request = LambdaRequest(request, event, context)
        prefix = django_request.script_name
        prefix = prefix if prefix.endswith("/") else f"{prefix}/"
        if prefix != get_script_prefix():
            set_script_prefix(prefix)
        self._started.send(self.__class__, django_request)
        try:
            response = self.get_response(django_request)
        except DeadlineExceeded:
            response = HttpResponse(TIMED_OUT.body, status=TIMED_OUT.status, headers=TIMED_OUT.headers)
            response._resource_closers.append(django_request.close)  # type: ignore[attr-defined]
        response._handler_class = self.__class__  # type: ignore[attr-defined]
        try:
            headers = {name: value for name, (_, value) in response.headers._store.items()}
            cookies = _cookies(response, headers) if response.cookies or COOKIE in headers else ()
            return Response(response.status_code, headers, self._body(response, limit), cookies)
        finally:
            response.close()

    def _body(self, response: Any, limit: int) -> bytes:
        if not response.streaming:
            content: bytes = response.content
            return content
        if response.is_async:
            from pocket.django.http.coroutines import gathered

            streamed: bytes = self.bridge.synchronous(gathered, self, "the streaming response")(response, limit)
            return streamed
        file = getattr(response, "file_to_stream", None)
        return _joined(response if file is None else iter(lambda: file.read(_BLOCK), b""), limit)

    @property
    def bridge(self) -> Bridge:
        """What runs coroutines; made when the first one is met, so that a synchronous project has no loop."""
        if self._bridge is None:
            from pocket.django.http.coroutines import Bridge

            self._bridge = Bridge()
        return self._bridge

    def adapt_method_mode(
        self,
        is_async: bool,
        method: Any,
        method_is_async: bool | None = None,
        debug: bool = False,
        name: str | None = None,
    ) -> Any:
        """As Django's, but asynchronous middleware runs on the lasting loop."""
        if method_is_async is None:
            method_is_async = iscoroutinefunction(method)
        if method_is_async and not is_async:
            return self.bridge.synchronous(method, self)
        return super().adapt_method_mode(is_async, method, method_is_async, debug, name)

    def make_view_atomic(self, view: Any) -> Any:
        """As Django's, but an asynchronous view comes back as a synchronous one that runs it on the lasting loop."""
        made = self._views.get(view)
        if made is None:
            made = super().make_view_atomic(view)
            if iscoroutinefunction(made):
                made = self.bridge.synchronous(made, self)
            if len(self._views) < _MOST_VIEWS:
                self._views[view] = made
        return made


_MOST_VIEWS = 2000


def _cookies(response: Any, headers: dict[str, str]) -> list[tuple[str, str]]:
    """The cookies of a response; one that was set as a header is taken from `headers`."""
    cookies = [headers.pop(COOKIE)] if COOKIE in headers else []
    cookies.extend(cookie.OutputString() for cookie in response.cookies.values())
    return [(COOKIE, cookie) for cookie in cookies]


def _joined(parts: Iterable[bytes], limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for part in parts:
        chunks.append(part)
        size += len(part)
        if size > limit:
            raise ResponseTooLarge(size, limit)
    return b"".join(chunks)


_BLOCK = 1 << 20


def make_wsgi_handler() -> Callable[[dict[str, Any], Any], dict[str, Any] | bytes]:
    """A Lambda handler for the Django project of DJANGO_SETTINGS_MODULE, which it sets up unless that is done.

    The settings POCKET_BASE_PATH and POCKET_TRUSTED_PROXIES say what an event does not (`lambda_http.request.Gateway`).
    """
    return LambdaHandler(gateway_of_settings())


def gateway_of_settings() -> Gateway:
    """What the project's settings say of the way that requests take; sets Django up first."""
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup(set_prefix=False)
    return Gateway(getattr(settings, "POCKET_BASE_PATH", None), getattr(settings, "POCKET_TRUSTED_PROXIES", 0))
