"""Django's WSGI handler for requests of Lambda events, without a WSGI environment and server in between."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers import wsgi
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponse
from django.urls import get_script_prefix, set_script_prefix

from pocket.django.http.request import LambdaRequest, ServedRequest, served_environ
from pocket.django.http.request_signals import StartSignal
from pocket.errors import DeadlineExceeded, ResponseTooLarge
from pocket.lambda_http.response import COOKIE, LAMBDA_LIMIT, TIMED_OUT, Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pocket.django.http.coroutines import Bridge
    from pocket.lambda_http.request import Request


class Application(WSGIHandler):
    """The project's middleware and views. One for each process, since it loads the middleware.

    It is also a WSGI application, and is called as one if something, such as an error tracker, has wrapped Django's
    handler.
    """

    request_class = ServedRequest
    # Django sends it as the `sender` of signals, for receivers that are connected to Django's WSGIHandler.
    __class__ = property(lambda _self: WSGIHandler)

    def __init__(self) -> None:
        self.time_limit: Any = None
        """The `limit` of `EventLoop.run` for coroutines."""
        self.limit = LAMBDA_LIMIT
        """Maximum size of a streaming response in bytes."""
        self._bridge: Bridge | None = None
        self._started = StartSignal()
        self._views: dict[Any, Any] = {}
        super().__init__()

    def respond(self, request: Request, event: dict[str, Any], context: Any) -> Response:
        """The whole response of the middleware chain, with Django's request signals.

        Raises ResponseTooLarge for a stream of more than `limit` bytes.
        """
        if not _is_djangos_own():
            return self._respond_as_server(request, event, context)
        django_request = LambdaRequest(request, event, context)
        prefix = django_request.script_name
        prefix = prefix if prefix.endswith("/") else f"{prefix}/"
        if prefix != get_script_prefix():
            set_script_prefix(prefix)
        self._started.send(django_request)
        response = self.get_response(django_request)
        response._handler_class = WSGIHandler
        try:
            headers = {name: value for name, (_, value) in response.headers._store.items()}
            cookies = _cookies(response, headers) if response.cookies or COOKIE in headers else ()
            return Response(response.status_code, headers, self._body(response), cookies)
        finally:
            response.close()

    def _respond_as_server(self, request: Request, event: dict[str, Any], context: Any) -> Response:
        """The same through PEP 3333, and so through everything that wraps Django's handler and request."""
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            started[:] = status, headers

        parts: Any = self(served_environ(request, event, context), start_response)
        try:
            body = _joined(parts, self.limit)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        status, headers = started
        pairs = ((name, value.strip(" ")) for name, value in headers)
        return Response.of_pairs(int(status.partition(" ")[0]), pairs, body)

    def get_response(self, request: Any) -> Any:
        """As Django's, but asynchronous streams are read to their end, and coroutines that time out give a 504."""
        response: Any = None
        try:
            response = super().get_response(request)
            if response.streaming and response.is_async:
                from pocket.django.http.coroutines import gathered

                gather = self.bridge.synchronous(gathered, self, "the streaming response")
                response.streaming_content = [gather(response, self.limit)]
        except DeadlineExceeded:
            expired: Any = HttpResponse(TIMED_OUT.body, status=TIMED_OUT.status, headers=TIMED_OUT.headers)
            expired._resource_closers += [request.close] if response is None else response._resource_closers
            return expired
        except BaseException:
            if response is not None:
                response._handler_class = WSGIHandler
                response.close()
            raise
        return response

    def _body(self, response: Any) -> bytes:
        if not response.streaming:
            content: bytes = response.content
            return content
        file = getattr(response, "file_to_stream", None)
        return _joined(response if file is None else iter(lambda: file.read(_BLOCK), b""), self.limit)

    @property
    def bridge(self) -> Bridge:
        """Runs coroutines; made for the first one, so that a synchronous project has no event loop."""
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
        """As Django's, but asynchronous middleware runs on the bridge's loop."""
        if method_is_async is None:
            method_is_async = iscoroutinefunction(method)
        if method_is_async and not is_async:
            return self.bridge.synchronous(method, self)
        return super().adapt_method_mode(is_async, method, method_is_async, debug, name)

    def make_view_atomic(self, view: Any) -> Any:
        """As Django's, but an asynchronous view is wrapped in a synchronous one that runs it on the bridge's loop."""
        made = self._views.get(view)
        if made is None:
            made = super().make_view_atomic(view)
            if iscoroutinefunction(made):
                made = self.bridge.synchronous(made, self)
            if len(self._views) < _MOST_VIEWS:
                self._views[view] = made
        return made


_MOST_VIEWS = 2000
_BLOCK = 1 << 20


def _is_djangos(function: Any) -> bool:
    """Whether `function` and its code are from Django's module. A wrapper can imitate everything else."""
    own_file = wsgi.get_path_info.__code__.co_filename
    return (
        type(function) is FunctionType
        and function.__globals__ is vars(wsgi)
        and function.__code__.co_filename == own_file
    )


_CALL: Any = WSGIHandler.__call__ if _is_djangos(WSGIHandler.__call__) else None
_MADE: Any = WSGIRequest.__init__ if _is_djangos(WSGIRequest.__init__) else None
_CODES = (WSGIHandler.__call__.__code__, WSGIRequest.__init__.__code__)


def _is_djangos_own() -> bool:
    """Whether Django's handler and request are not wrapped and their code is not replaced."""
    return (
        WSGIHandler.__call__ is _CALL and WSGIRequest.__init__ is _MADE and (_CALL.__code__, _MADE.__code__) == _CODES
    )


def _cookies(response: Any, headers: dict[str, str]) -> list[tuple[str, str]]:
    """The cookies of a response; a Set-Cookie header is moved out of `headers`."""
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
