"""What MiniStack's HTTP events lack of AWS's, put right from the request that a front port took.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html and
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FrontRequest:
    """A request as it arrived at a front port, before its path was rewritten for MiniStack."""

    host: str
    raw_path: str
    raw_query: str
    forwarded: tuple[tuple[str, str], ...]
    """The X-Forwarded-* headers that the front port vouches for."""


front_request: ContextVar[FrontRequest | None] = ContextVar("front_request", default=None)
"""The one that is being answered; MiniStack's handlers run in the context of the front port's."""


def is_http_api_event(event: Any) -> bool:
    """Whether it is a request for a function behind an HTTP API, and not for an authorizer or a WebSocket."""
    return event.get("version") == "2.0" and "http" in event.get("requestContext", {}) and "type" not in event


def correct_http_api_event(event: dict[str, Any]) -> dict[str, Any]:
    """An HTTP API's event with its cookies apart and its domain."""
    http = event["requestContext"]["http"]
    corrected = _with_cookies(event)
    corrected["requestContext"] = {**event["requestContext"], "http": {**http, "method": http["method"].upper()}}
    if request := front_request.get():
        _set_domain(corrected["requestContext"], request.host)
    return corrected


def correct_function_url_event(event: dict[str, Any]) -> dict[str, Any]:
    """A function URL's event with its cookies apart, and with host, path and scheme as the front port saw them."""
    corrected = _with_cookies(event)
    if request := front_request.get():
        corrected["headers"] = {**corrected["headers"], "host": request.host, **dict(request.forwarded)}
        corrected["rawPath"] = request.raw_path
        corrected["rawQueryString"] = request.raw_query
        http = {**event["requestContext"]["http"], "path": request.raw_path}
        corrected["requestContext"] = {**event["requestContext"], "http": http}
        _set_domain(corrected["requestContext"], request.host)
    return corrected


def _with_cookies(event: dict[str, Any]) -> dict[str, Any]:
    headers = dict(event.get("headers") or {})
    cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
    corrected = {**event, "headers": headers}
    if cookies:
        corrected["cookies"] = cookies
    return corrected


def _set_domain(context: dict[str, Any], host: str) -> None:
    context["domainName"] = host
    context["domainPrefix"] = host.partition(".")[0]
