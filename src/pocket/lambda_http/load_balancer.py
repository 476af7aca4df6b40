"""Application Load Balancer, with single and with multi-value headers.

Source: "Use Lambda functions as targets of an Application Load Balancer" in the Elastic Load Balancing guide. Path and
query parameters stay percent-encoded. With multi-value headers enabled, event and response use `multiValueHeaders`;
otherwise the event has the last value of each header. A response may be 1 MB of JSON. The client's address is only in
X-Forwarded-For, whose last entry the load balancer writes.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from pocket.lambda_http import addresses
from pocket.lambda_http.encoding import base64_text
from pocket.lambda_http.headers import latin
from pocket.lambda_http.request import (
    Gateway,
    Request,
    body_bytes,
    decoded,
    headers_of,
    joined_query,
    reading,
)
from pocket.lambda_http.response import COOKIE, body_text, joined, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.lambda_http.response import Response

LIMIT = 1024 * 1024
"""Bytes of JSON that a load balancer accepts from a function."""


def matches(event: dict[str, Any]) -> bool:
    """Whether `event` is from a load balancer."""
    context = event.get("requestContext")
    return isinstance(context, dict) and "elb" in context and "httpMethod" in event


@reading
def parse(event: dict[str, Any], gateway: Gateway) -> Request:
    """The request in a load balancer's event; raises UnknownEvent for an invalid one."""
    headers = headers_of(event)
    scheme, name, port = addresses.origin(headers.get("host"), headers.get("x-forwarded-proto"))
    raw = event["path"]
    script_name, path = "", decoded(raw)
    if gateway.base_path is not None:
        script_name, path = addresses.below(path, gateway.base_path)
    query, _ = joined_query(event.get("multiValueQueryStringParameters"), event.get("queryStringParameters"))
    client = addresses.without_port(headers.get("x-forwarded-for").rpartition(",")[2].strip())
    if gateway.trusted_proxies:
        client = addresses.client(client, ", ".join(headers.all("x-forwarded-for")), gateway.trusted_proxies)
    return Request(
        str.upper(event["httpMethod"]),
        script_name,
        path,
        latin(raw),
        latin(query),
        headers,
        body_bytes(event),
        scheme,
        name,
        port,
        client if addresses.is_address(client) else "",
        "HTTP/1.1",
    )


def shape(event: dict[str, Any], response: Response) -> dict[str, Any]:
    """`response` for the load balancer, with multi-value headers if the event has them."""
    text = body_text(response)
    shaped: dict[str, Any] = {
        "statusCode": response.status,
        "statusDescription": _description(response.status),
        "body": base64_text(response.body) if text is None else text,
        "isBase64Encoded": text is None,
    }
    if event.get("multiValueHeaders") is not None:
        shaped["multiValueHeaders"] = listed(response)
    else:
        headers, cookies = joined(response)
        shaped["headers"] = {**headers, **dict(zip(_spellings(COOKIE), cookies, strict=False))}
    return shaped


def _spellings(name: str) -> Iterator[str]:
    """Spellings of `name` that differ in case: with them, a map of single values holds several cookies."""
    letters = ((letter, letter.upper()) if letter.isalpha() else (letter,) for letter in name)
    return islice(("".join(spelling) for spelling in product(*letters)), 512)


@lru_cache(maxsize=64)
def _description(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
