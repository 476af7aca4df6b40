"""Payload format 2.0, which HTTP APIs and function URLs share: everything but the path, and the response.

Source: "Create AWS Lambda proxy integrations for HTTP APIs" in the API Gateway developer guide. Repeated headers
arrive joined with commas; cookies in a list of their own, at a function URL in the Cookie header too (captures of
live events: hotsock/voker, vokerhttp/testdata).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.lambda_http import addresses
from pocket.lambda_http.headers import Headers, latin
from pocket.lambda_http.request import Gateway, Request, body_bytes
from pocket.lambda_http.response import body_text, joined

if TYPE_CHECKING:
    from pocket.lambda_http.response import Response


def is_payload_two(event: dict[str, Any]) -> bool:
    """Whether `event` says of itself that it is of this format, and is about HTTP."""
    if event.get("version") != "2.0":
        return False
    context = event.get("requestContext")
    return isinstance(context, dict) and "http" in context


def parse_payload_two(
    event: dict[str, Any], gateway: Gateway, script_name: str, path: str, raw_path: str | None
) -> Request:
    """The request of `event`, whose path the caller has read; KeyError and its like where a part is missing."""
    context = event["requestContext"]
    http = context["http"]
    sent = event.get("headers") or {}
    cookies = event.get("cookies")
    if cookies:
        sent = {**sent, "cookie": "; ".join(cookies)}
    headers = Headers(sent, sent.values())
    if cookies and headers.layout.repeats:
        headers.replace("cookie", headers.get("cookie"))
    host = headers.get("host") or latin(context.get("domainName") or "localhost")
    scheme = addresses.scheme(headers.get("x-forwarded-proto"), host)
    name, port = addresses.server(host, scheme)
    client = str.strip(http["sourceIp"])
    if gateway.trusted_proxies:
        client = addresses.client(client, headers.get("x-forwarded-for"), gateway.trusted_proxies)
    return Request(
        str.upper(http["method"]),
        script_name,
        path,
        raw_path,
        latin(event.get("rawQueryString") or ""),
        headers,
        body_bytes(event),
        scheme,
        name,
        port,
        client,
        str.strip(http.get("protocol") or "HTTP/1.1"),
    )


def shape_payload_two(response: Response) -> dict[str, Any]:
    """`response` as payload format 2.0 wants it: repeats joined, each cookie by itself."""
    headers, cookies = joined(response.headers)
    body, is_base64 = body_text(headers.get("content-type", ""), headers.get("content-encoding", ""), response.body)
    shaped: dict[str, Any] = {
        "statusCode": response.status,
        "headers": headers,
        "body": body,
        "isBase64Encoded": is_base64,
    }
    if cookies:
        shaped["cookies"] = cookies
    return shaped
