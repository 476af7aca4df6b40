"""The example events of AWS's documentation."""

from __future__ import annotations

from typing import Any

import documented_events as documented
import pytest

from pocket.lambda_http import function_url, http_api, load_balancer, rest_api
from pocket.lambda_http.formats import choose
from pocket.lambda_http.request import DIRECT

SERVER = "lambda-alb-123578498.us-east-1.elb.amazonaws.com"
CASES: list[tuple[dict[str, Any], Any, dict[str, Any]]] = [
    (
        documented.HTTP_API,
        http_api,
        {
            "method": "POST",
            "path": "/my/path",
            "query": "parameter1=value1&parameter1=value2&parameter2=value",
            "body": b"Hello from Lambda",
            "server_name": "id.execute-api.us-east-1.amazonaws.com",
            "client": "192.0.2.1",
        },
    ),
    (
        documented.FUNCTION_URL,
        function_url,
        {"path": "/my/path", "body": b"Hello from client!", "script_name": "", "client": "192.0.2.1"},
    ),
    (
        documented.REST_API,
        rest_api,
        {
            "method": "POST",
            "script_name": "/testStage",
            "path": "/hello/world",
            "query": "name=me&multivalueName=you&multivalueName=me",
            "body": b'{\r\n\t"a": 1\r\n}',
            "scheme": "https",
            "server_port": "443",
            "client": "192.0.2.1",
        },
    ),
    (
        documented.HTTP_API_FORMAT_ONE,
        rest_api,
        {"script_name": "", "path": "/my/path", "body": b"Hello from Lambda!", "client": "192.0.2.1"},
    ),
    (
        documented.LOAD_BALANCER,
        load_balancer,
        {"path": "/lambda", "query": "query=1234ABCD", "scheme": "http", "server_name": SERVER, "client": "192.0.2.1"},
    ),
    (documented.LOAD_BALANCER_MULTI, load_balancer, {"query": "myKey=val1&myKey=val2", "server_port": "80"}),
]


@pytest.mark.parametrize(("event", "form", "expected"), CASES)
def test_documented_event_has_one_format_and_is_parsed(
    event: dict[str, Any], form: Any, expected: dict[str, Any]
) -> None:
    assert choose(event) is form
    request = form.parse(event, DIRECT)
    assert {name: getattr(request, name) for name in expected} == expected


def test_documented_cookies_and_repeated_headers_are_parsed() -> None:
    cookies = {
        "HTTP_API": "cookie1; cookie2",
        "FUNCTION_URL": "cookie1; cookie2",
        "LOAD_BALANCER_MULTI": "name1=value1; name2=value2",
    }
    for name, value in cookies.items():
        event = getattr(documented, name)
        assert choose(event).parse(event, DIRECT).headers.all("cookie") == [value]
    repeated = documented.HTTP_API_FORMAT_ONE
    assert choose(repeated).parse(repeated, DIRECT).headers.all("header2") == ["value1", "value2"]


def test_decoded_path_is_encoded_for_wsgi_and_asgi() -> None:
    for event, key in ((documented.REST_API, "path"), (documented.HTTP_API, "rawPath")):
        request = choose(event).parse({**event, key: "/größe/日本/a b/"}, DIRECT)
        assert request.path == "/größe/日本/a b/"
        assert request.raw_path.endswith(b"/gr%C3%B6%C3%9Fe/%E6%97%A5%E6%9C%AC/a%20b/")
