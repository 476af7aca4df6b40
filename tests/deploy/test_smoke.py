from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pocket.deploy.gates.smoke import Answer, get


@contextmanager
def serving(status: int, body: bytes = b"", location: str = "") -> Iterator[str]:
    """A server that answers everything alike; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404])
def test_a_response_has_its_status_and_redirects_are_not_followed(status: int) -> None:
    with serving(status, location="http://127.0.0.1:1/elsewhere") as address:
        answer = get(address)
    assert answer.status == status


def test_an_error_has_its_body() -> None:
    with serving(503, b"<h1>Not now</h1>") as address:
        assert get(address) == Answer(503, "<h1>Not now</h1>")


def test_an_address_without_a_server_has_status_zero() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = get(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert answer.status == 0
    assert answer.body


def test_proxies_are_ignored_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serving(204) as address:
        assert get(address) == Answer(204)
