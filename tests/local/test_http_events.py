"""Events put right: cookies apart from the headers, the front port's host, path and scheme."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.local.launcher.http_events import (
    FrontRequest,
    correct_function_url_event,
    correct_http_api_event,
    correct_rest_event,
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


def corrected(
    correct: Callable[[dict[str, Any]], dict[str, Any]], event: dict[str, Any], **seen: Any
) -> dict[str, Any]:
    """`event` put right for what a front port saw."""
    token = front_request.set(FrontRequest(**{"host": "localhost:8001", "raw_query": "", "headers": (), **seen}))
    try:
        return correct(event)
    finally:
        front_request.reset(token)


def test_a_function_url_gets_what_the_front_port_received() -> None:
    headers = (("host", "localhost:8001"), ("x-forwarded-proto", "http"), ("x-forwarded-port", "8001"))
    sent = event(host="id.on.aws", **{"x-forwarded-proto": "https"})
    got = corrected(correct_function_url_event, sent, raw_path="/x%20y", raw_query="a=%20", headers=headers)
    assert (got["rawPath"], got["rawQueryString"]) == ("/x%20y", "a=%20")
    assert got["headers"] == dict(headers)
    assert got["requestContext"]["domainName"] == "localhost:8001"


def test_repeated_headers_are_joined_with_a_comma_and_cookies_are_separate() -> None:
    headers = (("accept", "a"), ("cookie", "a=1; b=2"), ("accept", "b"), ("cookie", "c=3"))
    for correct in (correct_http_api_event, correct_function_url_event):
        got = corrected(correct, event(), raw_path="/", headers=headers)
        assert (got["headers"], got["cookies"]) == ({"accept": "a,b"}, ["a=1", "b=2", "c=3"])


def test_the_stage_is_a_part_of_an_http_api_s_path() -> None:
    domain = "id.execute-api.eu-west-1.amazonaws.com"
    got = corrected(correct_http_api_event, event(), raw_path="/dev/x%20y", base="/dev", domain=domain)
    assert got["rawPath"] == got["requestContext"]["http"]["path"] == "/dev/x y"
    assert (got["requestContext"]["domainName"], got["requestContext"]["domainPrefix"]) == (domain, "id")


def rest(resource: str, parameters: dict[str, str] | None) -> dict[str, Any]:
    context = {"stage": "prod", "path": "/prod/wrong"}
    return {
        "version": "1.0",
        "resource": resource,
        "path": "/a b",
        "pathParameters": parameters,
        "requestContext": context,
    }


@pytest.mark.parametrize(
    ("raw_path", "base", "mapped", "path"),
    [
        ("/prod/a%2Fb//c/", "/prod", False, "/a%2Fb//c/"),
        ("/shop/a%2Fb//c/", "/shop", True, "/shop/a%2Fb//c/"),
        ("/a%2Fb//c/", "", True, "/a%2Fb//c/"),
    ],
)
def test_a_rest_api_s_path_is_as_sent_without_the_stage_and_with_a_base_path(
    raw_path: str, base: str, mapped: bool, path: str
) -> None:
    sent = rest("/{proxy+}", {"proxy": "a/b/c"})
    got = corrected(correct_rest_event, sent, raw_path=raw_path, base=base, mapped=mapped)
    assert (got["path"], got["requestContext"]["path"]) == (path, raw_path)
    assert got["pathParameters"] == {"proxy": "a%2Fb//c"}
    assert "version" not in got


def test_a_rest_api_gets_every_header_and_parameter_and_the_last_of_each() -> None:
    headers = (("host", "localhost:8001"), ("accept", "a"), ("accept", "b"))
    sent = rest("/items/{id}/{rest+}", {"id": "1 2", "rest": "x/y"})
    got = corrected(
        correct_rest_event, sent, raw_path="/items/1%202/x/y", raw_query="a=1+1&a=%E3%81%82&b=", headers=headers
    )
    assert got["headers"] == {"host": "localhost:8001", "accept": "b"}
    assert got["multiValueHeaders"] == {"host": ["localhost:8001"], "accept": ["a", "b"]}
    assert got["queryStringParameters"] == {"a": "あ", "b": ""}
    assert got["multiValueQueryStringParameters"] == {"a": ["1 1", "あ"], "b": [""]}
    assert got["pathParameters"] == {"id": "1%202", "rest": "x/y"}
    bare = corrected(correct_rest_event, rest("/", None), raw_path="/prod", base="/prod")
    assert (bare["path"], bare["pathParameters"], bare["queryStringParameters"]) == ("/", None, None)


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
