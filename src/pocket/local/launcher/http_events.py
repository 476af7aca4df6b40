"""Completes MiniStack's HTTP events to those of AWS, from the request that a front port received.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html and
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class FrontRequest:
    """A request as it arrived at a front port, before its path was rewritten for MiniStack."""

    host: str
    raw_path: str
    raw_query: str
    headers: tuple[tuple[str, str], ...]
    """In order, names in lower case, with those that the front port adds."""
    base: str = ""
    """The beginning of the API's paths: a stage (`/prod`), or a custom domain's base path."""
    mapped: bool = False
    """Whether it is a custom domain's, which a REST API's event keeps in its path."""
    domain: str = ""
    """The API's domain name, where that is not the front port's host."""


front_request: ContextVar[FrontRequest | None] = ContextVar("front_request", default=None)
"""The current request; MiniStack's handlers run in the context of the front port's."""


def is_http_api_event(event: Any) -> bool:
    """Whether it is a request for a function behind an HTTP API, and not for an authorizer or a WebSocket."""
    return event.get("version") == "2.0" and "http" in event.get("requestContext", {}) and "type" not in event


def correct_http_api_event(event: dict[str, Any]) -> dict[str, Any]:
    """An HTTP API's event with its headers, its cookies separate, the stage in its path, and its domain."""
    request = front_request.get()
    corrected = _with_cookies(event, request)
    http = {**event["requestContext"]["http"], "method": event["requestContext"]["http"]["method"].upper()}
    corrected["requestContext"] = {**event["requestContext"], "http": http}
    if request:
        corrected["rawPath"] = http["path"] = request.base + event["rawPath"]
        _set_domain(corrected["requestContext"], request)
    return corrected


def correct_function_url_event(event: dict[str, Any]) -> dict[str, Any]:
    """A function URL's event with its cookies separate, and with the host, path and scheme of the front port."""
    request = front_request.get()
    corrected = _with_cookies(event, request)
    if request:
        corrected["rawPath"] = request.raw_path
        corrected["rawQueryString"] = request.raw_query
        http = {**event["requestContext"]["http"], "path": request.raw_path}
        corrected["requestContext"] = {**event["requestContext"], "http": http}
        _set_domain(corrected["requestContext"], request)
    return corrected


def correct_rest_event(event: dict[str, Any]) -> dict[str, Any]:
    """A REST API's event with its path undecoded, every header and parameter, and its domain.

    Only the events of HTTP APIs that copy this format name a version. At the API's own address `path` lacks the stage;
    behind a custom domain it begins with the base path.
    """
    corrected = {key: value for key, value in event.items() if key != "version"}
    request = front_request.get()
    if request is None:
        return corrected
    path = request.raw_path[len(request.base) :] or "/"
    query = parse_qsl(request.raw_query, keep_blank_values=True)
    corrected |= {
        "path": request.raw_path if request.mapped else path,
        "pathParameters": _path_parameters(event, path),
        "headers": dict(request.headers),
        "multiValueHeaders": _lists(request.headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _lists(query) or None,
        "requestContext": {**event["requestContext"], "path": request.raw_path},
    }
    _set_domain(corrected["requestContext"], request)
    return corrected


def _path_parameters(event: dict[str, Any], path: str) -> dict[str, str] | None:
    """The parameters of the resource that matched, undecoded; a greedy one ends before the slashes at the end."""
    segments = path.strip("/").split("/")
    parameters = {}
    for place, part in enumerate(event["resource"].strip("/").split("/")):
        if part.endswith("+}"):
            parameters[part[1:-2]] = "/".join(segments[place:])
        elif part.endswith("}"):
            parameters[part[1:-1]] = segments[place]
    return parameters or None


def _with_cookies(event: dict[str, Any], request: FrontRequest | None) -> dict[str, Any]:
    headers = dict(event.get("headers") or {})
    if request:
        lists = _lists(request.headers)
        headers = {name: ("; " if name == "cookie" else ",").join(values) for name, values in lists.items()}
    cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
    corrected = {**event, "headers": headers}
    if cookies:
        corrected["cookies"] = cookies
    return corrected


def _lists(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def _set_domain(context: dict[str, Any], request: FrontRequest) -> None:
    domain = request.domain or request.host
    context["domainName"] = domain
    context["domainPrefix"] = domain.partition(".")[0]
