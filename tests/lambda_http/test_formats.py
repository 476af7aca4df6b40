"""Requests in every format: the application gets what the client sent to the gateway."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_to_bytes

import pytest
from http_requests import request_specs
from hypothesis import given
from hypothesis import strategies as st
from lambda_events import ENCODED_PATHS, FORMATS, RequestSpec, event_of

from pocket.asgi.scope import scope_of
from pocket.errors import UnknownEvent
from pocket.lambda_http import headers
from pocket.lambda_http.formats import choose
from pocket.lambda_http.request import DIRECT, Gateway, Request

every_format = pytest.mark.parametrize("form", FORMATS)


def read(form: str, spec: RequestSpec, gateway: Gateway = DIRECT) -> Request:
    event = event_of(form, spec)
    return choose(event).parse(event, gateway)


@every_format
def test_choose_finds_the_format(form: str) -> None:
    chosen: Any = choose(event_of(form, RequestSpec()))
    assert chosen.__name__ == f"pocket.lambda_http.{form.removesuffix('_multi')}"


@pytest.mark.parametrize("form", ENCODED_PATHS)
@given(data=st.data())
def test_encoded_paths_keep_every_byte(form: str, data: st.DataObject) -> None:
    spec = data.draw(request_specs(any_bytes=True))
    request = read(form, spec)
    assert request.path.encode("utf-8", "surrogateescape") == unquote_to_bytes(spec.path)
    assert unquote_to_bytes(request.raw_path) == unquote_to_bytes(request.script_name + spec.path)


@given(spec=request_specs())
def test_http_api_path_is_decoded_once(spec: RequestSpec) -> None:
    request = read("http_api", spec)
    assert request.path.encode() == unquote_to_bytes(spec.path)
    assert unquote_to_bytes(request.raw_path) == unquote_to_bytes(spec.path)
    assert request.raw_path.isascii()


@every_format
@given(data=st.data())
def test_query_headers_cookies_and_body_are_parsed(form: str, data: st.DataObject) -> None:
    spec = data.draw(request_specs())
    if form == "load_balancer":
        spec = replace(spec, headers=tuple({name.lower(): value for name, value in spec.headers}.items()))
        spec = replace(spec, query="&".join(f"{name}={values[-1]}" for name, values in _raw(spec.query).items()))
    request = read(form, spec)
    assert request.method == spec.method
    assert request.body == spec.body
    assert parse_qs(request.query, keep_blank_values=True) == parse_qs(spec.query, keep_blank_values=True)
    for name in {name.lower() for name, _ in spec.headers}:
        sent = [value for key, value in spec.headers if key.lower() == name]
        if name in {"user-agent", "referer", "origin"} and not form.startswith(("http_api", "function_url")):
            sent = sent[-1:]
        assert ",".join(request.headers.all(name)) == ",".join(sent)
    assert "; ".join(request.headers.all("cookie")) == "; ".join(spec.cookies)
    assert request.scheme == spec.scheme
    assert request.client == spec.client


def _raw(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("form", ["http_api", "function_url"])
@given(spec=request_specs())
def test_raw_query_keeps_its_order(form: str, spec: RequestSpec) -> None:
    assert read(form, spec).query == spec.query


def test_rest_api_query_is_encoded_again() -> None:
    request = read("rest_api", RequestSpec(query="a=1%2B1&a=x+y&b=&c=%26%3D&%C3%A9=%E6%97%A5"))
    assert parse_qsl(request.query, keep_blank_values=True) == [
        ("a", "1+1"),
        ("a", "x y"),
        ("b", ""),
        ("c", "&="),
        ("é", "日"),
    ]


@every_format
def test_body_as_text(form: str) -> None:
    assert read(form, RequestSpec(method="POST", body="naïve 日本".encode(), text=True)).body == "naïve 日本".encode()


@every_format
def test_body_of_six_megabytes(form: str) -> None:
    body = bytes(range(256)) * (6 * 4096)
    assert read(form, RequestSpec(method="POST", body=body)).body == body


@every_format
@pytest.mark.parametrize(
    ("host", "scheme", "server"),
    [
        ("shop.example.com", "https", ("shop.example.com", "443")),
        ("shop.example.com", "http", ("shop.example.com", "80")),
        ("localhost:8001", "http", ("localhost", "8001")),
        ("[::1]:8000", "http", ("[::1]", "8000")),
        ("[::1]", "https", ("[::1]", "443")),
        ("example.com:", "https", ("example.com", "443")),
        ("example.com:65535", "https", ("example.com", "65535")),
        ("a_b.example.com", "https", ("a_b.example.com", "443")),
    ],
)
def test_server_is_taken_from_the_host_header(form: str, host: str, scheme: str, server: tuple[str, str]) -> None:
    request = read(form, RequestSpec(host=host, scheme=scheme))
    assert (request.server_name, request.server_port) == server
    assert request.scheme == scheme


@every_format
@pytest.mark.parametrize(
    "host",
    [
        *(
            "example.com:x",
            "testserver:65536",
            "[:::]",
            "[::1]x",
            "[::1",
            "::1",
            "a b",
            "a/b",
            "a@b",
            "",
            ":80",
            "a:1:2",
        ),
        *("example.com:\u0661", "é", f"a:{'9' * 5000}", "a\r\nb"),
    ],
)
def test_invalid_host_header_is_replaced_by_the_gateways_name(form: str, host: str) -> None:
    event = event_of(form, RequestSpec(host=host))
    request = choose(event).parse(event, DIRECT)
    own = event["requestContext"].get("domainName", "localhost")
    assert (request.server_name, request.server_port) == (own, "443")
    assert scope_of(request, {}, None)["server"] == (own, 443)


@every_format
@pytest.mark.parametrize("claim", ["evil", "<script>", "1.2.3.4.5", "a\r\nb", "", "1.2.3.4:80:90", "[::1"])
def test_client_from_a_trusted_proxy_is_an_address(form: str, claim: str) -> None:
    spec = RequestSpec(path="/", client="192.0.2.1", forwarded_for=f"{claim}, 192.0.2.1")
    event = event_of(form, spec)
    assert choose(event).parse(event, Gateway(trusted_proxies=1)).client == "192.0.2.1"


@pytest.mark.parametrize("address", ["198.51.100.9", "198.51.100.9:4711", "2001:db8::9", "[2001:db8::9]:4711"])
@every_format
def test_client_may_be_ipv4_or_ipv6(form: str, address: str) -> None:
    event = event_of(form, RequestSpec(client="192.0.2.1", forwarded_for=f"{address}, 192.0.2.1"))
    assert choose(event).parse(event, Gateway(trusted_proxies=1)).client in {"198.51.100.9", "2001:db8::9"}


def test_load_balancer_that_keeps_x_forwarded_for_gives_an_address_or_nothing() -> None:
    for claim in ("evil", "a\nb", ""):
        assert read("load_balancer", RequestSpec(forwarded_for=claim)).client == ""


def test_str_of_a_request_is_one_line() -> None:
    event = event_of("function_url", RequestSpec(path="/a%0A%5BERROR%5D%20forged%0d%e2%80%a8%c2%85%ff%c3%a9"))
    event["requestContext"]["http"]["method"] = "GET\nX"
    line = str(choose(event).parse(event, DIRECT))
    assert line == "GET\\nX /a\\n[ERROR] forged\\r\\u2028\\x85\\udcffé"
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("name", ["cookie", "Cookie"])
@pytest.mark.parametrize("form", ["rest_api", "load_balancer_multi"])
def test_several_cookie_headers_are_joined(form: str, name: str) -> None:
    event = event_of(form, RequestSpec())
    event["multiValueHeaders"][name] = ["a=1", "b=é"]
    headers = choose(event).parse(event, DIRECT).headers
    assert headers.all("cookie") == ["a=1; b=\xc3\xa9"]
    assert event["multiValueHeaders"][name] == ["a=1", "b=é"]
    assert headers.layout.names == tuple(sent.lower() for sent in event["multiValueHeaders"])


@pytest.mark.parametrize("form", ["function_url", "rest_api", "load_balancer"])
@pytest.mark.parametrize("path", ["/a%2Fb/%7Ec;d=e", "//a//b/", "/%ff/%C3%A9", "/%c3%a9", "/a%25b", "/"])
@pytest.mark.parametrize("base_path", [None, "/shop"])
def test_raw_path_is_as_sent(form: str, path: str, base_path: str | None) -> None:
    stage = "" if form != "rest_api" else base_path or "/prod"
    event = event_of(form, RequestSpec(path=path, stage="prod"))
    request = choose(event).parse(event, Gateway(base_path))
    assert request.raw_path == f"{stage}{path}".encode()


def test_raw_path_behind_a_custom_domain_has_the_base_path_as_sent() -> None:
    extra = {"resource": "/{proxy+}", "pathParameters": {"proxy": "%7Ea"}}
    request = read("rest_api", RequestSpec(path="/sh%6Fp/%7Ea", domain="shop.example.com", extra=extra))
    assert (request.script_name, request.path, request.raw_path) == ("/shop", "/~a", b"/sh%6Fp/%7Ea")


@pytest.mark.parametrize(
    ("domain", "scheme"),
    [
        ("abc.execute-api.eu-west-1.amazonaws.com", "https"),
        ("abc.execute-api.localhost", "http"),
        ("localhost", "http"),
    ],
)
def test_host_and_scheme_without_forwarded_headers_follow_the_domain(domain: str, scheme: str) -> None:
    event = event_of("http_api", RequestSpec(domain=domain))
    event["headers"] = {}
    request = choose(event).parse(event, DIRECT)
    assert (request.server_name, request.scheme) == (domain, scheme)


@every_format
def test_client_cannot_forge_its_address(form: str) -> None:
    spec = RequestSpec(
        client="203.0.113.7", forwarded_for="10.0.0.1, 203.0.113.7", headers=(("x-real-ip", "10.0.0.2"),)
    )
    assert read(form, spec).client == "203.0.113.7"


@every_format
@pytest.mark.parametrize(
    ("forwarded_for", "proxies", "client"),
    [
        ("198.51.100.9, 203.0.113.7", 1, "198.51.100.9"),
        ("6.6.6.6, 198.51.100.9, 203.0.113.7", 1, "198.51.100.9"),
        ("198.51.100.9, 192.0.2.1, 203.0.113.7", 2, "198.51.100.9"),
        ("198.51.100.9:5566, 203.0.113.7", 1, "198.51.100.9"),
        ("203.0.113.7", 1, "203.0.113.7"),
    ],
)
def test_client_behind_trusted_proxies_is_the_peer_of_the_first(
    form: str, forwarded_for: str, proxies: int, client: str
) -> None:
    spec = RequestSpec(client="203.0.113.7", forwarded_for=forwarded_for)
    assert read(form, spec, Gateway(trusted_proxies=proxies)).client == client


def test_edge_optimised_api_has_its_edge_last() -> None:
    spec = RequestSpec(client="203.0.113.7", forwarded_for="198.51.100.9, 203.0.113.7, 130.176.0.1")
    assert read("rest_api", spec).client == "203.0.113.7"
    assert read("rest_api", spec, Gateway(trusted_proxies=1)).client == "198.51.100.9"


def test_load_balancer_may_add_the_port() -> None:
    assert read("load_balancer", RequestSpec(forwarded_for="1.1.1.1, 203.0.113.7:4711")).client == "203.0.113.7"
    assert read("load_balancer", RequestSpec(forwarded_for="2001:db8::1")).client == "2001:db8::1"
    assert read("load_balancer", RequestSpec(forwarded_for="[2001:db8::1]:80")).client == "2001:db8::1"


def test_cookies_are_taken_once_from_list_or_header() -> None:
    event = event_of("http_api", RequestSpec())
    event["headers"]["cookie"] = "a=1; b=2"
    assert choose(event).parse(event, DIRECT).headers.all("cookie") == ["a=1; b=2"]
    event["cookies"] = ["c=3"]
    assert choose(event).parse(event, DIRECT).headers.all("cookie") == ["c=3"]
    event["headers"] = {"Cookie": "a=1", "host": "x"}
    assert choose(event).parse(event, DIRECT).headers.all("cookie") == ["c=3"]


def test_headers_without_list_values_are_not_joined() -> None:
    event = event_of("rest_api", RequestSpec())
    event["multiValueHeaders"]["Host"] = ["b.example.com", "b.example.com"]
    event["multiValueHeaders"]["host"] = ["a.example.com", "c.example.com"]
    request = choose(event).parse(event, DIRECT)
    assert request.headers.all("host") == ["b.example.com"]
    assert request.server_name == "b.example.com"


@pytest.mark.parametrize(
    ("form", "spec", "base_path", "script_name", "path"),
    [
        ("http_api", RequestSpec(path="/a/", stage="dev"), None, "/dev", "/a/"),
        ("http_api", RequestSpec(path="/", stage="dev"), None, "/dev", "/"),
        ("http_api", RequestSpec(path="/dev/a"), None, "", "/dev/a"),
        ("http_api", RequestSpec(path="/a", stage="dev", domain="shop.example.com"), None, "", "/a"),
        ("http_api", RequestSpec(path="/a", stage="dev", domain="shop.example.com"), "shop", "/shop", "/a"),
        ("http_api", RequestSpec(path="/a"), "", "", "/a"),
        ("rest_api", RequestSpec(path="/a/", stage="dev"), None, "/dev", "/a/"),
        ("rest_api", RequestSpec(path="/dev/a", stage="dev"), None, "/dev", "/dev/a"),
        ("rest_api", RequestSpec(path="/a", stage="dev"), "", "", "/a"),
        ("function_url", RequestSpec(path="/a"), None, "", "/a"),
        ("function_url", RequestSpec(path="/shop/a"), "/shop/", "/shop", "/a"),
        ("load_balancer", RequestSpec(path="/shop"), "/shop", "/shop", ""),
        ("load_balancer", RequestSpec(path="/shopping"), "/shop", "/shop", "/shopping"),
    ],
)
def test_script_name_and_path(form: str, spec: RequestSpec, base_path: str | None, script_name: str, path: str) -> None:
    request = read(form, spec, Gateway(base_path))
    assert (request.script_name, request.path) == (script_name, path)


@pytest.mark.parametrize(
    ("path", "resource", "parameters", "script_name", "rest"),
    [
        ("/shop/a/b", "/{proxy+}", {"proxy": "a/b"}, "/shop", "/a/b"),
        ("/shop/a/b/", "/{proxy+}", {"proxy": "a/b"}, "/shop", "/a/b/"),
        ("/shop/dev/a%20b", "/{proxy+}", {"proxy": "a%20b"}, "/shop/dev", "/a b"),
        ("/shop/items/7", "/items/{id}", {"id": "7"}, "/shop", "/items/7"),
        ("/shop/", "/", None, "/shop", "/"),
        ("/shop", "/", None, "/shop", ""),
        ("/", "/", None, "", "/"),
        ("/a", "/{proxy+}", {"proxy": "a"}, "", "/a"),
        ("/other", "/a", None, "", "/other"),
        ("/shop/%ff", "/{proxy+}", {"proxy": "%ff"}, "/shop", "/\udcff"),
        ("/shop/%ff/a", "/{proxy+}", {"proxy": "\ufffd/a"}, "/shop", "/\udcff/a"),
        ("/shop//a", "/{proxy+}", {"proxy": "/a"}, "/shop", "//a"),
        ("/shop//a//b/", "/{proxy+}", {"proxy": "a/b"}, "/shop", "//a//b/"),
        ("//a", "/{proxy+}", {"proxy": "a"}, "", "//a"),
        ("/shop//", "/", None, "/shop", "//"),
        ("/shop/{b}/2", "/{a}/{b}", {"a": "{b}", "b": "2"}, "/shop", "/{b}/2"),
        ("/shop/a", "/{lost}", {}, "", "/shop/a"),
    ],
)
def test_base_path_of_a_custom_domain_is_the_path_before_the_resource(
    path: str, resource: str, parameters: dict[str, str] | None, script_name: str, rest: str
) -> None:
    extra = {"resource": resource, "pathParameters": parameters}
    request = read("rest_api", RequestSpec(path=path, domain="shop.example.com", extra=extra))
    assert (request.script_name, request.path) == (script_name, rest)


def test_http_api_with_payload_format_one() -> None:
    extra = {"version": "1.0", "resource": "$default"}
    event = event_of("rest_api", RequestSpec(path="/dev/a b/100%25", stage="dev", extra=extra))
    request = choose(event).parse(event, DIRECT)
    assert (request.script_name, request.path) == ("/dev", "/a b/100%")
    event["requestContext"]["stage"] = "$default"
    assert choose(event).parse(event, DIRECT).path == "/dev/a b/100%"


def test_console_test_event_has_no_headers() -> None:
    event = event_of("rest_api", RequestSpec())
    event["headers"] = event["multiValueHeaders"] = None
    event["requestContext"]["identity"]["sourceIp"] = "test-invoke-source-ip"
    request = choose(event).parse(event, DIRECT)
    assert (len(request.headers.values), request.client, request.scheme) == (0, "test-invoke-source-ip", "https")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, "keys none"),
        (None, "NoneType"),
        ([], "list"),
        ({"command": "migrate", "args": []}, "args, command"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "Records"),
        (
            {"version": "2.0", "requestContext": {"connectionId": "x", "eventType": "CONNECT"}},
            "connectionId, eventType",
        ),
        ({"version": "2.0", "requestContext": {"http": {}}, "secret": "hush"}, "http"),
    ],
)
def test_unknown_event_error_shows_keys_but_no_values(event: Any, expected: str) -> None:
    with pytest.raises(UnknownEvent) as caught:
        choose(event).parse(event, DIRECT)
    assert expected in caught.value.message
    assert "hush" not in str(caught.value)


def test_cache_of_header_names_is_bounded() -> None:
    for number in range(2 * headers._MOST_LAYOUTS):
        read("http_api", RequestSpec(headers=((f"x-{number}", "1"),)))
    assert len(headers._layouts) <= headers._MOST_LAYOUTS


@given(values=st.lists(st.text(st.sampled_from("ab\n\r é日\x85"), max_size=4), max_size=4))
def test_header_values_are_encoded_one_by_one(values: list[str]) -> None:
    found = headers.Headers(tuple(f"x-{number}" for number in range(len(values))), values)
    assert [*found.encoded()] == [value.encode() for value in values]
    found.replace("x-0", "one\ntwo")
    assert [*found.encoded()] == [b"one\ntwo", *(value.encode() for value in values[1:])]


@pytest.mark.parametrize("pairs", [{"a=1&b": ["2"]}, {"a&b": ["1"], "c=d": ["2"]}, {"a": ["1=&"]}, {"a": ["1", "&b="]}])
def test_separators_in_query_names_and_values_are_quoted(pairs: dict[str, list[str]]) -> None:
    event = event_of("rest_api", RequestSpec())
    event["multiValueQueryStringParameters"] = pairs
    assert parse_qs(choose(event).parse(event, DIRECT).query, strict_parsing=True) == pairs


def test_function_url_cookies_replace_its_cookie_header() -> None:
    event = event_of("function_url", RequestSpec(cookies=("a=1", "b=2"), headers=(("accept", "*/*"),)))
    event["headers"]["cookie"] = "a=0"
    found = choose(event).parse(event, DIRECT).headers
    assert (found.all("cookie"), found.all("accept")) == (["a=1; b=2"], ["*/*"])
    assert event["headers"]["cookie"] == "a=0"


@pytest.mark.parametrize("cookies", [("a=1",), ("a=1", "b=2")])
def test_parsing_does_not_change_the_event(cookies: tuple[str, ...]) -> None:
    for form in FORMATS:
        event = event_of(form, RequestSpec(query="a=1&a=2", headers=(("x-one", "1"),), cookies=cookies))
        before = copy.deepcopy(event)
        choose(event).parse(event, DIRECT)
        assert event == before
