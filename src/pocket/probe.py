"""The request that Pocket itself sends to a function, as the event of its front."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping


def http_event(
    address: str, target: str, agent: str = "pocket", *, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The event of an HTTP API or function URL for a GET of `target`, a path with an optional query.

    `address` is the handler's, such as `https://HOST`; `headers` are added to those of the request. Format 2.0:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    scheme, _, host = address.rstrip("/").partition("://")
    path, _, query = target.partition("?")
    # An HTTP API decodes the path except encoded percent signs; a function URL does not decode it.
    raw_path = path if ".lambda-url." in host else unquote(path.replace("%25", "%2525"))
    port = host.rpartition(":")[2] if ":" in host else {"http": "80"}.get(scheme, "443")
    now = time.time()
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw_path,
        "rawQueryString": query,
        "headers": {
            "accept": "*/*",
            "host": host,
            "user-agent": agent,
            "x-amzn-trace-id": f"Root=1-{int(now):08x}-{uuid.uuid4().hex[:24]}",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": port,
            "x-forwarded-proto": scheme,
            **(headers or {}),
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": host.partition(".")[0],
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": "GET",
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": agent,
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = _joined(query)
    return event


def _joined(query: str) -> dict[str, str]:
    """Parameters by name; several values of a name are joined by commas, as both gateways do."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found
