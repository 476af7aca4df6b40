"""Django's handler for events: signals, streams, files, limits and errors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, reset_queries
from django.http import HttpResponse
from django.test import override_settings
from django_project import project, wrapped
from gateways import Sent, sent
from lambda_events import FORMATS, RequestSpec, event_of

from pocket.django.http.asgi import make_asgi_handler
from pocket.django.http.wsgi import make_wsgi_handler
from pocket.errors import UnknownEvent

every_format = pytest.mark.parametrize("form", FORMATS)


@pytest.fixture(autouse=True, scope="module")
def _echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    database = tmp_path_factory.mktemp("echo") / "db.sqlite3"
    with project("echo", "echo_settings", {"ECHO_DATABASE": str(database)}):
        yield


@pytest.fixture(params=["wsgi", "asgi", "wrapped"])
def handler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Both handlers, and one while Django's handler is wrapped, as by an error tracker."""
    if request.param == "wrapped":
        monkeypatch.setattr(WSGIHandler, "__call__", wrapped(WSGIHandler.__call__))
    return make_asgi_handler() if request.param == "asgi" else make_wsgi_handler()


@pytest.fixture
def happened() -> Iterator[list[str]]:
    import echo_views

    echo_views.HAPPENED.clear()
    yield echo_views.HAPPENED
    echo_views.HAPPENED.clear()


def get(handler: Any, path: str, form: str = "http_api", method: str = "GET") -> Sent:
    return sent(form, handler(event_of(form, RequestSpec(path=path, method=method)), None))


def test_other_events_are_refused(handler: Any) -> None:
    with pytest.raises(UnknownEvent):
        handler({"command": "migrate"}, None)


@every_format
def test_cookies_and_status(handler: Any, form: str) -> None:
    wire = get(handler, "/_/cookies", form)
    assert wire.status == 201
    assert [cookie.partition(";")[0] for cookie in wire.all("set-cookie")] == ["by=hand", "a=1", "b=2"]


@every_format
def test_cookie_cannot_forge_a_header(handler: Any, form: str, caplog: pytest.LogCaptureFixture) -> None:
    wire = get(handler, "/_/forged_cookie", form)
    assert (wire.status, wire.all("x-forged"), wire.all("set-cookie")) == (500, [], [])
    assert caplog.records


@every_format
@pytest.mark.parametrize(("code", "body"), [(200, b"body"), (204, b""), (304, b""), (404, b"body"), (599, b"body")])
def test_every_status(handler: Any, form: str, code: int, body: bytes) -> None:
    wire = get(handler, f"/_/status/{code}", form)
    assert (wire.status, wire.body) == (code, body)


def test_head_has_no_body_but_its_headers(handler: Any) -> None:
    wire = get(handler, "/_/plain", method="HEAD")
    assert (wire.body, wire.all("content-type")) == (b"", ["text/plain"])


@every_format
def test_streams_are_read_to_their_end_and_closed(handler: Any, form: str, happened: list[str]) -> None:
    assert get(handler, "/_/stream", form).body == b"abc"
    assert get(handler, "/_/async_stream", form).body == b"ab"
    assert happened == ["stream ended"]


@every_format
def test_files_are_sent_and_closed(handler: Any, form: str, happened: list[str]) -> None:
    wire = get(handler, "/_/file", form)
    assert wire.body == b"\x89PNG" * 1000
    assert wire.all("content-length") == ["4000"]
    assert happened == ["file closed"]


def test_synchronous_view_runs_in_the_handlers_thread(handler: Any) -> None:
    assert int(get(handler, "/_/where").body) == threading.get_ident()


def test_suspicious_request_is_400(handler: Any) -> None:
    assert get(handler, "/_/suspicious").status == 400


@override_settings(ALLOWED_HOSTS=["shop.example.com"])
def test_unknown_host_is_400(handler: Any) -> None:
    assert sent("http_api", handler(event_of("http_api", RequestSpec(host="evil.example.com")), None)).status == 400
    assert get(handler, "/").status == 200


@pytest.mark.parametrize("path", ["/_/broken", "/_/async_broken"])
def test_exception_is_500_with_its_traceback_only_in_the_log(
    handler: Any, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    wire = get(handler, path)
    assert wire.status == 500
    assert b"what went wrong inside" not in wire.body
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


def test_stream_that_raises_is_500_and_closed(handler: Any, caplog: pytest.LogCaptureFixture) -> None:
    finished: list[Any] = []

    def note(**values: Any) -> None:
        finished.append(values)

    request_finished.connect(note)
    try:
        wire = get(handler, "/_/broken_stream")
    finally:
        request_finished.disconnect(note)
    assert (wire.status, wire.body) == (500, b"Internal Server Error\n")
    assert "the stream broke" in caplog.text
    assert len(finished) == 1


@pytest.mark.parametrize("path", ["/_/endless", "/_/async_endless"])
@every_format
def test_response_over_the_limit_is_closed_500_and_logged(
    handler: Any, form: str, path: str, caplog: pytest.LogCaptureFixture, happened: list[str]
) -> None:
    wire = get(handler, path, form)
    assert (wire.status, wire.body) == (500, b"Internal Server Error\n")
    assert happened == ["stream closed"]
    (record,) = [record for record in caplog.records if record.name == "pocket.http"]
    assert "bytes of JSON" in record.getMessage()
    assert "S3" in record.getMessage()


def test_both_signals_are_sent_once_around_the_request(handler: Any) -> None:
    sent_signals: list[tuple[str, Any]] = []

    def started(sender: Any, environ: dict[str, Any], **values: Any) -> None:
        sent_signals.append(("started", environ["PATH_INFO"]))

    def finished(sender: Any, **values: Any) -> None:
        sent_signals.append(("finished", sender))

    request_started.connect(started, sender=WSGIHandler)
    request_finished.connect(finished, sender=WSGIHandler)
    try:
        get(handler, "/_/plain")
        get(type(handler)(handler.gateway), "/_/plain")  # one that is made when the receivers are there
    finally:
        request_started.disconnect(started, sender=WSGIHandler)
        request_finished.disconnect(finished, sender=WSGIHandler)
    assert sent_signals == [("started", "/_/plain"), ("finished", WSGIHandler)] * 2


def test_djangos_receivers_of_request_started_are_the_expected_two() -> None:
    receivers, asynchronous = request_started._live_receivers(sender=None)
    assert set(receivers) == {reset_queries, close_old_connections}
    assert not asynchronous


def test_each_request_starts_with_an_empty_query_log_and_no_connection_past_its_age(handler: Any) -> None:
    connection.ensure_connection()
    connection.queries_log.append({"sql": "SELECT 1", "time": "0"})
    connection.close_at = 0
    get(handler, "/_/plain")
    assert not connection.queries_log
    assert connection.connection is None


def test_receiver_that_raises_is_500(handler: Any, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(**values: Any) -> None:
        raise RuntimeError("not today")

    request_started.connect(refuse)
    try:
        assert get(handler, "/_/plain").status == 500
    finally:
        request_started.disconnect(refuse)
    assert "not today" in caplog.text


def test_store_of_djangos_headers_has_their_items() -> None:
    response = HttpResponse(headers={"X-A": "1", "Vary": "Cookie"})
    response["x-a"] = "2"
    assert list(response.headers._store.values()) == list(response.items())


def test_each_request_sets_its_script_prefix(handler: Any) -> None:
    from django.urls import get_script_prefix

    sent("http_api", handler(event_of("http_api", RequestSpec(stage="dev")), None))
    assert get_script_prefix() == "/dev/" or type(handler).__name__ == "AsyncLambdaHandler"
    assert get(handler, "/a").status == 200
