"""Payload format 2.0 of HTTP APIs and function URLs: the request without its path, and the response.

Source: "Create AWS Lambda proxy integrations for HTTP APIs" in the API Gateway developer guide. Repeated headers are
joined with commas. Cookies are in a list, and for a function URL in the Cookie header as well (captures of live events:
hotsock/voker, vokerhttp/testdata).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.lambda_http import addresses
from pocket.lambda_http.encoding import base64_text
from pocket.lambda_http.headers import Headers, latin
from pocket.lambda_http.request import Gateway, Request, body_bytes
from pocket.lambda_http.response import body_text, joined

if TYPE_CHECKING:
    from pocket.lambda_http.response import Response


def parse_payload_two(
    event: dict[str, Any], gateway: Gateway, script_name: str, path: str, raw_path: str | None
) -> Request:
    """The request in `event`; the caller has read the path. Raises what a missing part causes, such as KeyError."""
    context = event["requestContext"]
    http = context["http"]
    headers = _headers(event.get("headers") or {}, event.get("cookies"))
    scheme, name, port = addresses.origin(
        headers.get("host"), headers.get("x-forwarded-proto"), context.get("domainName")
    )
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


def _headers(sent: dict[str, str], cookies: list[str] | None) -> Headers:
    """The headers that were `sent`; `cookies` replace the Cookie header, or come last where there is none."""
    if not cookies:
        return Headers((*sent,), [*sent.values()])
    cookie = "; ".join(cookies)
    if "cookie" not in sent:
        names, values = (*sent, "cookie"), [*sent.values(), cookie]
    else:
        if sent["cookie"] != cookie:
            sent = {**sent, "cookie": cookie}
        names, values = (*sent,), [*sent.values()]
    headers = Headers(names, values)
    if len(headers.values) < len(names):  # a Cookie header in upper case was joined with it
        headers.replace("cookie", latin(cookie))
    return headers


def shape_payload_two(_event: dict[str, Any], response: Response) -> dict[str, Any]:
    """`response` in payload format 2.0: repeated headers joined, cookies in a list."""
    text = body_text(response)
    shaped: dict[str, Any] = {
        "statusCode": response.status,
        "headers": response.headers.copy(),
        "body": base64_text(response.body) if text is None else text,
        "isBase64Encoded": text is None,
    }
    if response.repeats:
        shaped["headers"], cookies = joined(response)
        if cookies:
            shaped["cookies"] = cookies
    return shaped
