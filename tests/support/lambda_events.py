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


def event_of(form: str, ask: RequestSpec) -> dict[str, Any]:
    """The event that the gateway `form` invokes a function with when `ask` reaches it."""
    event = _MAKERS[form](ask)
    event["isBase64Encoded"] = bool(ask.body) and not ask.text
    if ask.body:
        event["body"] = ask.body.decode() if ask.text else base64.b64encode(ask.body).decode()
    event.update(ask.extra)
    return event


def _payload_two(ask: RequestSpec, raw_path: str, domain: str, cookie_header: bool) -> dict[str, Any]:
    headers: dict[str, str] = {}
    for name, value in _sent(ask):
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw_path,
        "rawQueryString": ask.query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": domain.partition(".")[0],
            "domainName": domain,
            "http": {
                "method": ask.method,
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": ask.client,
                "userAgent": headers.get("user-agent", ""),
            },
            "stage": ask.stage,
        },
    }
    if ask.cookies:
        event["cookies"] = list(ask.cookies)
        if cookie_header:
            headers["cookie"] = "; ".join(ask.cookies)
    return event


def _http_api(ask: RequestSpec) -> dict[str, Any]:
    prefix = "" if ask.stage == "$default" else f"/{ask.stage}"
    kept = "%25".join(unquote(part) for part in ask.path.split("%25"))
    return _payload_two(ask, prefix + kept, ask.domain, cookie_header=False)


def _function_url(ask: RequestSpec) -> dict[str, Any]:
    return _payload_two(ask, ask.path, "abcdefghij.lambda-url.eu-west-1.on.aws", cookie_header=True)


def _rest_api(ask: RequestSpec) -> dict[str, Any]:
    stage = "prod" if ask.stage == "$default" else ask.stage
    headers = [*_sent(ask), *([("Cookie", "; ".join(ask.cookies))] if ask.cookies else [])]
    query = parse_qsl(ask.query, keep_blank_values=True)
    return {
        "resource": "/{proxy+}",
        "path": ask.path,
        "httpMethod": ask.method,
        "headers": dict(headers) or None,
        "multiValueHeaders": _lists(headers) or None,
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _lists(query) or None,
        "pathParameters": {"proxy": ask.path.strip("/")},
        "requestContext": {
            "domainName": ask.domain,
            "identity": {"sourceIp": ask.client},
            "path": f"/{stage}{ask.path}",
            "protocol": "HTTP/1.1",
            "stage": stage,
        },
        "body": None,
    }


def _load_balancer(ask: RequestSpec) -> dict[str, Any]:
    event = _balanced(ask)
    headers = [*_sent(ask), *([("cookie", "; ".join(ask.cookies))] if ask.cookies else [])]
    event["headers"] = {name.lower(): value for name, value in headers}
    event["queryStringParameters"] = dict(_raw_pairs(ask.query))
    return event


def _load_balancer_multi(ask: RequestSpec) -> dict[str, Any]:
    event = _balanced(ask)
    headers = [(name.lower(), value) for name, value in _sent(ask)]
    event["multiValueHeaders"] = _lists([*headers, *(("cookie", cookie) for cookie in ask.cookies)])
    event["multiValueQueryStringParameters"] = _lists(_raw_pairs(ask.query))
    return event


def _balanced(ask: RequestSpec) -> dict[str, Any]:
    arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef"
    return {"requestContext": {"elb": {"targetGroupArn": arn}}, "httpMethod": ask.method, "path": ask.path, "body": ""}


def _sent(ask: RequestSpec) -> list[tuple[str, str]]:
    """The headers that reach the gateway, and those that it adds."""
    length = [("content-length", str(len(ask.body)))] if ask.body else []
    own = [("x-forwarded-for", ask.forwarded), ("x-forwarded-proto", ask.scheme), ("x-forwarded-port", "443")]
    return [("host", ask.host), *ask.headers, *length, *own]


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
