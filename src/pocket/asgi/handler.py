"""The Lambda handler of an ASGI application."""

from __future__ import annotations

import asyncio
import atexit
import logging
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from pocket.asgi.exchange import Exchange
from pocket.asgi.lifespan import Lifespan
from pocket.asgi.loop import EventLoop, refuse_running_loop
from pocket.asgi.scope import scope_of
from pocket.errors import DeadlineExceeded, ResponseRefused, ResponseTooLarge
from pocket.lambda_http.formats import choose
from pocket.lambda_http.request import Gateway
from pocket.lambda_http.response import FAILED, TIMED_OUT, finish, private

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from pocket.asgi.lifespan import Application
    from pocket.lambda_http.request import Request
    from pocket.lambda_http.response import Format, Response

logger = logging.getLogger("pocket.http")


def make_handler(
    app: Application,
    *,
    base_path: str | None = None,
    trusted_proxies: int = 0,
    cached: bool = False,
    lifespan: bool = True,
) -> Handler:
    """A Lambda handler for `app`, whose lifespan has started; raises LifespanFailed where the start-up fails.

    `base_path`, `trusted_proxies` and `cached` are not in events: see `pocket.lambda_http.request.Gateway`.
    """
    handler = Handler(app, Gateway(base_path, trusted_proxies, cached=cached))
    if lifespan:
        handler.start()
    return handler


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable


class Handler:
    """The Lambda handler of one application; `close` ends the lifespan and the loop."""

    def __init__(self, app: Application, gateway: Gateway) -> None:
        self.app = app
        self.gateway = gateway
        self.loop = EventLoop()
        self.lifespan: Lifespan | None = None

    def start(self) -> None:
        """Starts the lifespan; raises LifespanFailed, after which Lambda starts a new environment."""
        refuse_running_loop()
        lifespan = Lifespan(self.app, self.loop)
        try:
            is_supported = lifespan.start()
        except BaseException:
            self.loop.close()
            raise
        if is_supported:
            self.lifespan = lifespan
            atexit.register(self.close)

    def close(self) -> None:
        """Ends the lifespan, then closes the loop; does nothing when called again."""
        atexit.unregister(self.close)
        lifespan, self.lifespan = self.lifespan, None
        if lifespan is not None:
            lifespan.stop()
        self.loop.close()

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any] | bytes:
        """The response to `event` in the event's format.

        Raises UnknownEvent for an event that is not HTTP, RuntimeError inside a running event loop.
        """
        refuse_running_loop()
        form = choose(event)
        request = form.parse(event, self.gateway)
        try:
            response = self._respond(form, request, event, context)
            return finish(form, event, request.method, private(response) if self.gateway.cached else response)
        except ResponseRefused as error:
            logger.error("%s: %s %s", request, error.message, error.hint)
            return finish(form, event, request.method, FAILED)

    def _respond(self, form: Format, request: Request, event: dict[str, Any], context: Any) -> Response:
        scope = scope_of(request, event, context)
        if self.lifespan is not None:
            scope["state"] = self.lifespan.state.copy()
        exchange = Exchange(request.body, form.LIMIT, self.loop.loop)
        failure = FAILED
        try:
            answering: Any = self.app(scope, exchange.receive, exchange.send)
            if type(answering) is not CoroutineType:
                answering = _awaited(answering)
            self.loop.run(answering, context, request)
            if exchange.complete:
                return exchange
            logger.error("%s: the application returned before its response was complete.", request)
        except DeadlineExceeded:
            failure = TIMED_OUT
        except (Exception, asyncio.CancelledError):
            if exchange.size <= form.LIMIT:
                logger.exception("%s: the application raised an exception.", request)
        if exchange.size > form.LIMIT:
            raise ResponseTooLarge(exchange.size, form.LIMIT)
        return exchange if exchange.complete else failure
