"""What a function behind the stage's CloudFront distribution does with an event: it accepts those of the distribution
alone, and makes them what they would be without it.

The distribution adds a secret to each request, which viewers do not have, and the viewer's host and address, since API
Gateway sees those of the distribution.
"""

from __future__ import annotations

import os
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from pocket import naming

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.manifest import Stage

    Handler = Callable[[Any, Any], Any]

_FORBIDDEN = "This address answers only requests that come through the site's distribution.\n"


def is_behind(stage: Stage) -> bool:
    """Whether this function is the one that the stage's distribution is in front of."""
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    return stage.cdn is not None and name in {None, f"{stage.stack_name}-{stage.cdn}"}


def guarded(handler: Handler) -> Handler:
    """`handler` for events with the stage's secret; the response to all others is a 403."""

    def handle(event: Any, context: Any) -> Any:
        return handler(event, context) if admit(event) else refused()

    return handle


def admit(event: Any) -> bool:
    """Whether the distribution sent the event. Its headers are then replaced by the viewer's, and the secret removed.

    Without a secret in the environment, nothing is admitted.
    """
    try:
        headers, source = event["headers"], event["requestContext"]["http"]
        given = headers.pop(naming.ORIGIN_HEADER)
        expected = os.environ[naming.ORIGIN_SECRET]
        if not expected or not compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode()):
            return False
        headers["host"] = headers.pop(naming.HOST_HEADER)
        # The distribution's own address and those that a viewer may invent are left out of the chain.
        source["sourceIp"] = headers["x-forwarded-for"] = headers.pop(naming.CLIENT_HEADER)
    except (AttributeError, KeyError, TypeError):
        return False
    return True


def refused() -> dict[str, Any]:
    """The response to a request that did not come through the distribution."""
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
    return {"statusCode": 403, "headers": headers, "body": _FORBIDDEN, "isBase64Encoded": False}
