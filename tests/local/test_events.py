"""Events put right: cookies apart from the headers, the front port's host, path and scheme."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.local.launcher.events import (
    FrontRequest,
    correct_function_url_event,
    correct_http_api_event,
    front_request,
    is_http_api_event,
)

names = st.text("abcXYZ_", min_size=1)
values = st.text("abc=%01 ").map(str.strip)


def event(**headers: str) -> dict[str, Any]:
    http = {"method": "options", "path": "/x y"}
    context = {"http": http, "domainName": "id.execute-api.localhost"}
    return {"version": "2.0", "rawPath": "/x y", "headers": headers, "requestContext": context}


@given(st.lists(st.tuples(names, values), min_size=1))
def test_cookies_come_in_the_order_of_the_header(pairs: list[tuple[str, str]]) -> None:
    expected = [f"{name}={value}" for name, value in pairs]
    corrected = correct_http_api_event(event(cookie="; ".join(expected), accept="*/*"))
    assert corrected["cookies"] == expected
    assert corrected["headers"] == {"accept": "*/*"}


def test_the_event_that_is_handed_over_stays_as_it_is() -> None:
    original = event(cookie="a=1")
    corrected = correct_http_api_event(original)
    assert original == event(cookie="a=1")
    assert corrected["requestContext"]["http"]["method"] == "OPTIONS"


def test_a_function_url_gets_what_the_front_port_saw() -> None:
    forwarded = (("x-forwarded-proto", "http"), ("x-forwarded-port", "8001"))
    request = FrontRequest(host="localhost:8001", raw_path="/x%20y", raw_query="a=%20", forwarded=forwarded)
    token = front_request.set(request)
    try:
        corrected = correct_function_url_event(event(host="id.on.aws", **{"x-forwarded-proto": "https"}))
    finally:
        front_request.reset(token)
    assert (corrected["rawPath"], corrected["rawQueryString"]) == ("/x%20y", "a=%20")
    assert corrected["headers"] == {"host": "localhost:8001", **dict(forwarded)}
    assert corrected["requestContext"]["domainName"] == "localhost:8001"


@pytest.mark.parametrize(
    "other",
    [
        {"Records": []},
        {"version": "1.0", "requestContext": {"http": {}}},
        {"version": "2.0", "requestContext": {"connectionId": "x"}},
        {"version": "2.0", "type": "REQUEST", "requestContext": {"http": {}}},
    ],
)
def test_only_requests_of_http_apis_are_touched(other: dict[str, Any]) -> None:
    assert not is_http_api_event(other)
