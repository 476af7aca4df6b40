"""Django's request from an event is equal to that from a WSGI server for the same HTTP request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.test import override_settings
from django.test.client import encode_multipart
from django_project import project, wrapped
from gateways import sent
from http_requests import request_specs
from hypothesis import given, settings
from hypothesis import strategies as st
from lambda_events import ENCODED_PATHS, FORMATS, RequestSpec, event_of

from pocket.django.http.wsgi import LambdaHandler, make_wsgi_handler

every_format = pytest.mark.parametrize("form", FORMATS)


@pytest.fixture(autouse=True, scope="module")
def _echo() -> Iterator[None]:
    with project("echo", "echo_settings", {}):
        yield


@pytest.fixture(scope="module", params=["plain", "wrapped"])
def handler(_echo: None, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The handler, and the same while Django's request is wrapped, as by a tracer."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "wrapped":
            patch.setattr(WSGIRequest, "__init__", wrapped(WSGIRequest.__init__))
        yield make_wsgi_handler()


def environ_of(form: str, ask: RequestSpec) -> dict[str, Any]:
    """The environment of a WSGI server for the request that the gateway forwards (PEP 3333)."""
    name, _, port = ask.host.rpartition(":") if ask.host[-1] != "]" and ":" in ask.host else (ask.host, "", "")
    script_name = {"rest_api": "/prod"}.get(form, "")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": ask.method,
        "SCRIPT_NAME": script_name,
        "PATH_INFO": unquote_to_bytes(ask.path).decode("latin-1"),
        "QUERY_STRING": ask.query,
        "SERVER_NAME": name,
        "SERVER_PORT": port or {"http": "80", "https": "443"}[ask.scheme],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": ask.client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": ask.scheme,
        "wsgi.input": BytesIO(ask.body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    length = [("Content-Length", str(len(ask.body)))] if ask.body else []
    own = [("X-Forwarded-For", ask.client), ("X-Forwarded-Proto", ask.scheme), ("X-Forwarded-Port", "443")]
    for header, value in [("Host", ask.host), *ask.headers, *length, *own]:
        key = header.upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if ask.cookies:
        environ["HTTP_COOKIE"] = "; ".join(ask.cookies)
    return environ


def reference(form: str, ask: RequestSpec) -> Any:
    """The echo view's response behind Django's WSGI handler."""
    response = b"".join(WSGIHandler()(environ_of(form, ask), lambda status, headers: None))
    return parsed(response)


def parsed(body: bytes) -> Any:
    """The echo view's response, or an error page."""
    return json.loads(body) if body.startswith(b"{") else body


def once(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple({name.lower(): value for name, value in headers}.items())


def echoed(handler: Any, form: str, ask: RequestSpec) -> Any:
    return parsed(sent(form, handler(event_of(form, ask), None)).body)


def same(handler: Any, form: str, ask: RequestSpec) -> None:
    ours, theirs = echoed(handler, form, ask), reference(form, ask)
    if form == "rest_api" and isinstance(theirs, dict):
        # The gateway decodes the query; encoded again, the same pairs may have another spelling.
        for answer in (ours, theirs):
            answer["meta"].pop("QUERY_STRING")
            answer["full_path"], answer["uri"] = answer["full_path"].split("?")[0], answer["uri"].split("?")[0]
    assert ours == theirs


@pytest.mark.parametrize("form", FORMATS)
@settings(deadline=None)
@given(data=st.data())
def test_request_is_equal_to_that_of_a_server(handler: Any, form: str, data: st.DataObject) -> None:
    ask = data.draw(request_specs(any_bytes=form in ENCODED_PATHS))
    ask = replace(ask, method="GET" if ask.method == "HEAD" else ask.method, headers=once(ask.headers))
    if form.startswith("load_balancer"):
        ask = replace(ask, query="&".join(_last(ask.query)))
    same(handler, form, ask)


def _last(query: str) -> list[str]:
    return list({pair.partition("=")[0]: pair for pair in query.split("&") if pair}.values())


@pytest.mark.parametrize("form", ["http_api", "function_url", "rest_api", "load_balancer_multi"])
def test_repeated_headers_are_joined_as_servers_join_them(handler: Any, form: str) -> None:
    same(handler, form, RequestSpec(headers=(("accept", "a"), ("X-One", "1"), ("accept", "b"), ("x-one", "2"))))


@every_format
@pytest.mark.parametrize(
    "query", ["", "a=1&a=2&b=", "a=%2B+%20", "a=%E9", "q=%E6%97%A5&%C3%A9=1", "a;b=1", "a=b=c&=d", "%00=%00"]
)
def test_queries(handler: Any, form: str, query: str) -> None:
    single = "a=2&b=" if form.startswith("load_balancer") and query.startswith("a=1") else query
    ask = RequestSpec(query=single)
    if form == "rest_api":
        ask = RequestSpec(query=single.replace("%E9", "%C3%A9"))
    same(handler, form, ask)


@every_format
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"a=1&a=2&b=+%2B&%C3%A9="),
        ("application/x-www-form-urlencoded; charset=latin-1", b"a=%E9"),
        ("application/x-www-form-urlencoded", b"broken=%&=&&"),
        ("application/json", b'{"a": 1}'),
        ("text/plain; charset=nonsense", b"x"),
        ("", b"\x00\xff"),
    ],
)
@pytest.mark.parametrize("text", [True, False])
def test_forms_and_other_bodies(handler: Any, form: str, kind: str, body: bytes, text: bool) -> None:
    headers = (("content-type", kind),) if kind else ()
    text = text and body.isascii()
    same(handler, form, RequestSpec(method="POST", headers=headers, body=body, text=text))


@every_format
def test_uploads(handler: Any, form: str) -> None:
    upload = BytesIO(bytes(range(256)) * 40)
    upload.name = "größe.bin"
    body = encode_multipart("xyz", {"title": "é", "file": upload})
    same(
        handler,
        form,
        RequestSpec(method="POST", headers=(("content-type", "multipart/form-data; boundary=xyz"),), body=body),
    )


@every_format
def test_body_can_be_read_in_parts_but_not_again(handler: Any, form: str) -> None:
    wire = sent(form, handler(event_of(form, RequestSpec(method="POST", path="/_/read", body=b"abcdef")), None))
    assert wire.body == b"abc|def"


@every_format
def test_body_over_djangos_limit_is_400(handler: Any, form: str) -> None:
    ask = RequestSpec(method="POST", path="/_/size", body=b"x" * 3_000_000)
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=None):
        assert sent(form, handler(event_of(form, ask), None)).body == b"3000000"
    assert sent(form, handler(event_of(form, ask), None)).status == 400


@pytest.mark.parametrize("name", ["x_forwarded_host", "X_Forwarded_Host", "lambda-event", "aws.event", "aws-context"])
def test_headers_that_imitate_others_are_dropped(handler: Any, name: str) -> None:
    meta = echoed(handler, "http_api", RequestSpec(headers=((name, "evil"), ("x-good", "1"))))["meta"]
    assert "evil" not in meta.values()
    assert meta["HTTP_X_GOOD"] == "1"


def test_port_and_scheme_of_the_gateway_reach_django(handler: Any) -> None:
    answer = echoed(handler, "http_api", RequestSpec(path="/a", host="localhost:8001", scheme="http"))
    assert (answer["uri"], answer["secure"]) == ("http://localhost:8001/a", False)


def test_stage_is_the_script_name(handler: Any) -> None:
    answer = echoed(handler, "http_api", RequestSpec(path="/a/", stage="dev"))
    assert (answer["path"], answer["path_info"]) == ("/dev/a/", "/a/")
    assert answer["uri"] == "https://shop.example.com/dev/a/"


@override_settings(FORCE_SCRIPT_NAME="/forced")
def test_force_script_name_overrides_the_events(handler: Any) -> None:
    answer = echoed(handler, "http_api", RequestSpec(path="/a/", stage="dev"))
    assert (answer["path"], answer["meta"]["SCRIPT_NAME"]) == ("/forced/a/", "/forced")


@override_settings(POCKET_BASE_PATH="/shop", POCKET_TRUSTED_PROXIES=1)
def test_settings_configure_the_gateway() -> None:
    handler = make_wsgi_handler()
    ask = RequestSpec(path="/shop/a", client="192.0.2.1", forwarded_for="198.51.100.9, 192.0.2.1")
    answer = echoed(handler, "function_url", ask)
    assert (answer["path_info"], answer["path"]) == ("/a", "/shop/a")
    assert answer["meta"]["REMOTE_ADDR"] == "198.51.100.9"


def test_request_has_event_and_context(handler: LambdaHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    chain: Any = handler.application._middleware_chain
    monkeypatch.setattr(
        handler.application, "_middleware_chain", lambda request: seen.append(request) or chain(request)
    )
    event, context = event_of("http_api", RequestSpec()), object()
    handler(event, context)
    (request,) = seen
    assert request.lambda_event is event
    assert request.lambda_context is context
    assert isinstance(request, WSGIRequest)
    assert request.environ is request.META
