"""Responses in every format: the client gets what the application sent."""

from __future__ import annotations

import gzip
import json
import sys
import types
from typing import Any

import pytest
from gateways import sent
from hypothesis import given
from hypothesis import strategies as st
from lambda_events import FORMATS, RequestSpec, event_of

from pocket.errors import ResponseTooLarge
from pocket.lambda_http import response as module
from pocket.lambda_http.formats import choose
from pocket.lambda_http.response import FAILED, Response, body_text, finish, private

every_format = pytest.mark.parametrize("form", FORMATS)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=10)


def answer(form: str, response: Response, method: str = "GET") -> dict[str, Any] | bytes:
    event = event_of(form, RequestSpec(method=method))
    return finish(choose(event), event, method, response)


@every_format
@given(
    status=st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    names=st.lists(st.tuples(st.sampled_from(["Vary", "vary", "X-One", "Link", "Set-Cookie"]), VALUES), max_size=6),
    kind=st.sampled_from(
        ["", "text/html", "image/png", "image/svg+xml", "application/problem+json", "x/y;charset=utf-16"]
    ),
    body=st.one_of(st.binary(max_size=40), st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace"))),
)
def test_status_headers_and_body_reach_the_client(
    form: str, status: int, names: list[tuple[str, str]], kind: str, body: bytes
) -> None:
    headers = [*names, *([("Content-Type", kind)] if kind else [])]
    wire = sent(form, answer(form, Response.of_pairs(status, headers, body)))
    assert wire.status == status
    assert wire.body == body
    for name in ("vary", "x-one", "link", "content-type"):
        expected = [value for key, value in headers if key.lower() == name]
        assert ", ".join(wire.all(name)) == ", ".join(expected)
    assert wire.all("set-cookie") == [value for key, value in headers if key == "Set-Cookie"]


@every_format
def test_cookies_are_not_joined(form: str) -> None:
    cookies = [f"c{number}=1; Path=/; HttpOnly" for number in range(30)]
    wire = sent(form, answer(form, Response.of_pairs(200, [("Set-Cookie", cookie) for cookie in cookies])))
    assert wire.all("set-cookie") == cookies


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        ({"content-type": "text/html; charset=utf-8"}, "naïve".encode(), True),
        ({"content-type": "application/problem+json"}, b"{}", True),
        ({"content-type": "image/svg+xml"}, b"<svg/>", True),
        ({"content-type": "application/vnd.anything"}, b"plain", True),
        ({}, b"plain", True),
        ({"content-type": "text/html; charset=latin-1"}, "naïve".encode("latin-1"), False),
        ({"content-type": "text/plain", "content-encoding": "br"}, b"ascii by chance", False),
        ({"content-type": "text/plain", "content-encoding": "identity"}, b"ascii", True),
        ({"content-type": "text/plain", "content-encoding": "gzip"}, gzip.compress(b"x", mtime=0), False),
        ({"content-type": "image/png"}, b"ascii by chance", False),
        ({"content-type": "application/octet-stream"}, b"ascii", False),
        ({"content-type": "application/pdf"}, b"%PDF-1.7\n\xff", False),
    ],
)
def test_text_is_sent_as_text_and_other_bodies_as_base64(headers: dict[str, str], body: bytes, text: bool) -> None:
    assert (body_text(Response(200, headers, body)) is not None) is text


@every_format
@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_responses_without_a_body_in_http_have_none(form: str, method: str, status: int) -> None:
    wire = sent(form, answer(form, Response.of_pairs(status, [("Content-Length", "5")], b"hello"), method))
    assert (wire.body, wire.all("content-length")) == (b"", ["5"])


@every_format
def test_response_over_the_limit_is_refused_with_its_size(form: str) -> None:
    limit = choose(event_of(form, RequestSpec())).LIMIT
    fits = b"\xff" * (limit * 3 // 4 - 2048)
    assert sent(form, answer(form, Response(200, {}, fits))).body == fits
    with pytest.raises(ResponseTooLarge) as caught:
        answer(form, Response(200, {}, b"\xff" * (limit * 3 // 4)))
    assert caught.value.limit == limit < caught.value.size
    with pytest.raises(ResponseTooLarge):
        answer(form, Response(200, {}, b"\x01" * (limit // 5)))


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("body", [b"\xff" * 50_000, ('quote " é 日 \x01\n' * 5000).encode()], ids=["binary", "text"])
def test_large_body_is_json_bytes_for_the_runtime_client(
    body: bytes, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fast:
        pytest.importorskip("orjson")
    else:
        monkeypatch.setattr("pocket.lambda_http.response.json_bytes", lambda value: json.dumps(value).encode())
    response = Response.of_pairs(200, [("Content-Type", "x/y"), ("Set-Cookie", "a=1")], body)
    plain = answer("http_api", response)
    monkeypatch.setitem(sys.modules, "awslambdaric.lambda_runtime_marshaller", types.ModuleType("marshaller"))
    passed = answer("http_api", response)
    assert isinstance(plain, dict)
    assert isinstance(passed, bytes)
    assert json.loads(passed) == plain
    assert isinstance(answer("http_api", Response(200, {}, b"small")), dict)


def test_load_balancer_gets_a_status_description() -> None:
    returned = answer("load_balancer", Response(404, {}))
    unknown = answer("load_balancer", Response(599, {}))
    assert isinstance(returned, dict)
    assert isinstance(unknown, dict)
    assert (returned["statusDescription"], unknown["statusDescription"]) == ("404 Not Found", "599")


@pytest.mark.parametrize("form", FORMATS)
def test_changing_a_shaped_response_does_not_change_the_next(form: str) -> None:
    first, second = answer(form, FAILED), answer(form, FAILED)
    assert isinstance(first, dict)
    for key in {"headers", "multiValueHeaders"} & first.keys():
        first[key].clear()
    assert answer(form, FAILED) == second


@pytest.mark.parametrize(
    ("written", "cookies", "expected"),
    [
        (None, (), "private"),
        ("max-age=60, public", (), "max-age=60, public"),
        ("max-age=60, public", (("set-cookie", "a=b"),), "private, no-cache"),
        ("private, max-age=60", (("set-cookie", "a=b"),), "private, max-age=60"),
        ("No-Store", (("set-cookie", "a=b"),), "No-Store"),
        ("x-private=1", (("set-cookie", "a=b"),), "private, no-cache"),
    ],
)
def test_a_cdn_shares_no_response_that_does_not_say_so_and_none_with_a_cookie(
    written: str | None, cookies: tuple[tuple[str, str], ...], expected: str
) -> None:
    headers = {"content-type": "text/plain"} | ({} if written is None else {"cache-control": written})
    given = Response(200, headers, b"x", cookies)
    answer = private(given)
    assert answer.headers["cache-control"] == expected
    assert (answer.status, answer.body, answer.repeats) == (200, b"x", cookies)
    assert given.headers.get("cache-control") == written, "shared responses are not changed"


def test_headers_are_checked_once_however_many_are_not_printable(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {f"x-{number}": "\xa0" for number in range(100)}
    answer("http_api", Response(200, headers))  # which keeps the names
    searched: list[str] = []
    monkeypatch.setattr(module, "_CONTROL", searched.append)
    answer("http_api", Response(200, headers))
    assert len(searched) == 100
