"""`notify()` over a real connection: Django asks, uvicorn serves the API that is told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.test import override_settings
from uvicorn_server import serving


@pytest.fixture
def told(database: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """The address of a server that refuses, and what it was asked: method, path, authorization."""
    asked: list[tuple[str, str, str]] = []

    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.command, self.path, self.headers["Authorization"]))
            self.send_error(503)

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Refuses)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/refresh/", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_api_refreshes_when_django_has_committed(database: str, books: Any) -> None:
    from django.db import transaction
    from library.models import Author

    from pocket.fastapi import cached_query, create_app, notify

    made: list[int] = []

    @cached_query(ttl=3600)
    def authors() -> Any:
        made.append(1)
        return Author.objects.order_by("name").values_list("name", flat=True)

    app = create_app(discover=False, refresh={"authors": authors})
    with serving(app) as address:
        with transaction.atomic():
            Author.objects.create(name="Aphorist")
            notify(f"{address}/refresh/")
            assert made == [], "not before it is committed"
        assert made == [1]
        assert authors.fetch() == ["Aphorist", "Essayist", "Novelist"]
        with transaction.atomic():
            notify(f"{address}/refresh/")
            transaction.set_rollback(True)
        assert made == [1]


def test_the_request_is_a_post_with_a_token_and_a_refusal_is_logged(
    told: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from pocket.django.orm.notifying import is_valid
    from pocket.fastapi import notify

    address, asked = told
    with override_settings(POCKET_REFRESH_URL=address), caplog.at_level(logging.WARNING, "pocket.fastapi"):
        notify()
    ((method, path, authorization),) = asked
    assert (method, path) == ("POST", "/refresh/")
    scheme, _, token = authorization.partition(" ")
    assert scheme == "Pocket"
    assert is_valid(token, address)
    assert not is_valid(token, address.replace("refresh", "another"))
    assert [record.getMessage() for record in caplog.records] == [
        f"The API at {address} could not be refreshed: HTTP Error 503: Service Unavailable"
    ]
    assert token not in caplog.text


@override_settings(ALLOWED_HOSTS=[".example.com"])
def test_a_token_is_valid_for_a_minute_and_for_this_project(database: str) -> None:
    import time
    from unittest import mock

    from django.core import signing

    from pocket.django.orm.notifying import SALT, is_valid, token_for

    address = "https://api.example.com/refresh/"
    token = token_for(address)
    assert is_valid(token, address)
    elsewhere = "http://evil.example/refresh/"
    assert not is_valid(token_for(elsewhere), elsewhere), "a request may say any host"
    odd = "http://[::1/refresh/"
    assert not is_valid(token_for(odd), odd)
    assert not is_valid(token, "https://staging.example.com/refresh/")
    assert not is_valid(signing.dumps({"address": address}, salt="another purpose"), address)
    assert not is_valid(signing.dumps(True, salt=SALT), address)
    with override_settings(SECRET_KEY="another project's"):
        assert not is_valid(token, address)
    with override_settings(POCKET_REFRESH_URL=address):
        assert is_valid(token, "http://behind-the-proxy/refresh/")
        assert not is_valid(token_for("https://elsewhere/"), "http://behind-the-proxy/refresh/")
    later = time.time() + 61
    with mock.patch("time.time", return_value=later):
        assert not is_valid(token, address)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_with_the_token(
    database: str, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    from pocket.fastapi import notify

    asked: list[str] = []

    class Redirects(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Location", "/elsewhere/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815  (the standard library's name)

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Redirects)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with caplog.at_level(logging.WARNING, "pocket.fastapi"):
            notify(f"http://127.0.0.1:{server.server_port}/refresh/")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert asked == ["/refresh/"]
    assert "could not be refreshed" in caplog.text


@pytest.mark.parametrize(("address", "words"), [(None, "has no address"), ("refresh/", "not the address")])
def test_without_an_address_is_an_error(database: str, address: str | None, words: str) -> None:
    from pocket.django.configuration.errors import SetupFailed
    from pocket.fastapi import notify

    with pytest.raises(SetupFailed, match=words):
        notify(address)
