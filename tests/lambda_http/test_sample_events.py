"""The sample events that AWS's SAM CLI generates."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_emulator import EmulatorUnavailable
from sample_events import sample

from pocket.lambda_http import http_api, load_balancer, rest_api
from pocket.lambda_http.formats import choose
from pocket.lambda_http.request import DIRECT

CASES: list[tuple[str, str, Any, dict[str, Any]]] = [
    (
        "apigateway",
        "http-api-proxy",
        http_api,
        {
            "query": "parameter1=value1&parameter1=value2&parameter2=value",
            "server_name": "id.execute-api.us-east-1.amazonaws.com",
            "server_port": "443",
            "protocol": "HTTP/1.1",
        },
    ),
    (
        "apigateway",
        "aws-proxy",
        rest_api,
        {
            "query": "foo=bar",
            "server_name": "0123456789.execute-api.us-east-1.amazonaws.com",
            "scheme": "https",
            "client": "127.0.0.1",
        },
    ),
    (
        "alb",
        "request",
        load_balancer,
        {
            "query": "query=1234ABCD",
            "server_name": "lambda-alb-123578498.us-east-2.elb.amazonaws.com",
            "scheme": "http",
            "server_port": "80",
            "client": "72.12.164.125",
        },
    ),
]


@pytest.mark.parametrize(("service", "name", "form", "expected"), CASES)
def test_sample_event_has_one_format_and_is_parsed(
    service: str, name: str, form: Any, expected: dict[str, Any]
) -> None:
    try:
        event = sample(service, name)
    except EmulatorUnavailable as error:
        pytest.skip(str(error))
    assert choose(event) is form
    request = form.parse(event, DIRECT)
    common = {"method": "POST", "script_name": "", "path": "/path/to/resource", "body": b'{"test":"body"}'}
    assert {key: getattr(request, key) for key in (*common, *expected)} == {**common, **expected}
