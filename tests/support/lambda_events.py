"""Lambda's HTTP events, made from a plain HTTP request as each gateway makes them.

The rules are AWS's documentation's and those of the captured events that the modules of `pocket.lambda_http` name.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

FORMATS = ("http_api", "function_url", "rest_api", "load_balancer", "load_balancer_multi")
ENCODED_PATHS = ("function_url", "rest_api", "load_balancer", "load_balancer_multi")
API = "abcdef1234.execute-api.eu-west-1.amazonaws.com"


@dataclass(frozen=True)
class RequestSpec:
    """An HTTP request on the wire; `path` and `query` percent-encoded, header values ASCII."""

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    host: str = "shop.example.com"
    scheme: str = "https"
    client: str = "203.0.113.7"
    cookies: tuple[str, ...] = ()
    text: bool = False
    """Whether the body is given as text, which it then has to be."""
    stage: str = "$default"
    domain: str = API
    forwarded_for: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def forwarded(self) -> str:
        return self.client if self.forwarded_for is None else self.forwarded_for


def event_of(form: str, request: RequestSpec) -> dict[str, Any]:
    """The event that the gateway `form` invokes a function with when `request` reaches it."""
    event = _MAKERS[form](request)
    event["isBase64Encoded"] = bool(request.body) and not request.text
    if request.body:
        event["body"] = request.body.decode() if request.text else base64.b64encode(request.body).decode()
    event.update(request.extra)
    return event


def _payload_two(request: RequestSpec, raw_path: str, domain: str, cookie_header: bool) -> dict[str, Any]:
    headers: dict[str, str] = {}
    for name, value in _sent(request):
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw_path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": domain.partition(".")[0],
            "domainName": domain,
            "http": {
                "method": request.method,
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.client,
                "userAgent": headers.get("user-agent", ""),
            },
            "stage": request.stage,
        },
    }
    if request.cookies:
        event["cookies"] = list(request.cookies)
        if cookie_header:
            headers["cookie"] = "; ".join(request.cookies)
    return event


def _http_api(request: RequestSpec) -> dict[str, Any]:
    prefix = "" if request.stage == "$default" else f"/{request.stage}"
    kept = "%25".join(unquote(part) for part in request.path.split("%25"))
    return _payload_two(request, prefix + kept, request.domain, cookie_header=False)


def _function_url(request: RequestSpec) -> dict[str, Any]:
    return _payload_two(request, request.path, "abcdefghij.lambda-url.eu-west-1.on.aws", cookie_header=True)


def _rest_api(request: RequestSpec) -> dict[str, Any]:
    stage = "prod" if request.stage == "$default" else request.stage
    headers = [*_sent(request), *([("Cookie", "; ".join(request.cookies))] if request.cookies else [])]
    query = parse_qsl(request.query, keep_blank_values=True)
    return {
        "resource": "/{proxy+}",
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(headers) or None,
        "multiValueHeaders": _lists(headers) or None,
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _lists(query) or None,
        "pathParameters": {"proxy": request.path.strip("/")},
        "requestContext": {
            "domainName": request.domain,
            "identity": {"sourceIp": request.client},
            "path": f"/{stage}{request.path}",
            "protocol": "HTTP/1.1",
            "stage": stage,
        },
        "body": None,
    }


def _load_balancer(request: RequestSpec) -> dict[str, Any]:
    event = _balanced(request)
    headers = [*_sent(request), *([("cookie", "; ".join(request.cookies))] if request.cookies else [])]
    event["headers"] = {name.lower(): value for name, value in headers}
    event["queryStringParameters"] = dict(_raw_pairs(request.query))
    return event


def _load_balancer_multi(request: RequestSpec) -> dict[str, Any]:
    event = _balanced(request)
    headers = [(name.lower(), value) for name, value in _sent(request)]
    event["multiValueHeaders"] = _lists([*headers, *(("cookie", cookie) for cookie in request.cookies)])
    event["multiValueQueryStringParameters"] = _lists(_raw_pairs(request.query))
    return event


def _balanced(request: RequestSpec) -> dict[str, Any]:
    arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef"
    return {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": request.method,
        "path": request.path,
        "body": "",
    }


def _sent(request: RequestSpec) -> list[tuple[str, str]]:
    """The headers that reach the gateway, and those that it adds."""
    length = [("content-length", str(len(request.body)))] if request.body else []
    own = [("x-forwarded-for", request.forwarded), ("x-forwarded-proto", request.scheme), ("x-forwarded-port", "443")]
    return [("host", request.host), *request.headers, *length, *own]


def _raw_pairs(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]


def _lists(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


_MAKERS = {
    "http_api": _http_api,
    "function_url": _function_url,
    "rest_api": _rest_api,
    "load_balancer": _load_balancer,
    "load_balancer_multi": _load_balancer_multi,
}
