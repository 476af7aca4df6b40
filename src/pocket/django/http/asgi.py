"""Django behind Lambda's HTTP events, with asynchronous views on one event loop for all invocations.

The middleware chain is synchronous; only coroutines run on the loop, in the same thread. So asynchronous views and
middleware need no other thread, and thread-sensitive code in a view, such as the ORM, uses the same connection as all
other code.
"""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from pocket.asgi.loop import refuse_running_loop
from pocket.django.http.wsgi import LambdaHandler, gateway_of_settings

if TYPE_CHECKING:
    from collections.abc import Callable


class AsyncLambdaHandler(LambdaHandler):
    """LambdaHandler with its own context variables and deadline for each invocation."""

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any] | bytes:
        """As LambdaHandler; context variables are reset after the invocation.

        Raises RuntimeError inside a running event loop.
        """
        refuse_running_loop()
        self.application.time_limit = context
        return copy_context().run(LambdaHandler.__call__, self, event, context)


def make_asgi_handler() -> Callable[[dict[str, Any], Any], dict[str, Any] | bytes]:
    """As `pocket.django.http.wsgi.make_wsgi_handler`, for projects with asynchronous views.

    An asynchronous view is cancelled half a second before Lambda's deadline, and the response is a 504. Tasks that it
    leaves running are logged.
    """
    return AsyncLambdaHandler(gateway_of_settings())
