"""Django behind Lambda's HTTP events with asynchronous views on an event loop that lasts.

The middleware chain stays synchronous; only what is a coroutine runs on the loop, in the same thread. So neither an
asynchronous view nor the middleware around it costs a change of threads, and thread-sensitive code in the view, the
ORM above all, runs on the same connection as everything else.
"""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from pocket.asgi.loop import refuse_running_loop
from pocket.django.http.wsgi import LambdaHandler, gateway_of_settings

if TYPE_CHECKING:
    from collections.abc import Callable


class AsyncLambdaHandler(LambdaHandler):
    """LambdaHandler with a context and a deadline of its own for each invocation."""

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any] | bytes:
        """As LambdaHandler; context variables that the invocation sets end with it.

        Raises RuntimeError inside a running event loop.
        """
        refuse_running_loop()
        self.application.time_limit = context
        return copy_context().run(LambdaHandler.__call__, self, event, context)


def make_asgi_handler() -> Callable[[dict[str, Any], Any], dict[str, Any] | bytes]:
    """As `pocket.django.http.wsgi.make_wsgi_handler`, for projects with asynchronous views.

    An asynchronous view is cancelled half a second before Lambda's deadline and answered 504, and tasks that it leaves
    running are reported.
    """
    return AsyncLambdaHandler(gateway_of_settings())
