"""Credentials from the environment and from the container endpoint."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pocket.errors import AWSCallFailed
from pocket.runtime import credentials


class Endpoint:
    def __init__(self) -> None:
        self.answer: dict[str, str] | str = {"AccessKeyId": "k", "SecretAccessKey": "swordfish", "Token": "t"}
        self.status = 200
        self.authorizations: list[str | None] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint.authorizations.append(self.headers["Authorization"])
                self.send_response(endpoint.status)
                self.end_headers()
                answer = endpoint.answer
                self.wfile.write((answer if isinstance(answer, str) else json.dumps(answer)).encode())

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def endpoint(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    found = Endpoint()
    address = f"http://127.0.0.1:{found.server.server_port}/v1/credentials?x=1"
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)
    credentials.forget()
    yield found
    credentials.forget()
    found.server.shutdown()
    found.server.server_close()


def stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def test_keys_in_the_environment_come_first(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert credentials.current().access_key_id == "environment"
    assert endpoint.authorizations == []


def test_keys_of_the_endpoint_are_kept_until_shortly_before_they_expire(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "open sesame")
    assert isinstance(endpoint.answer, dict)
    endpoint.answer["Expiration"] = stamp(3600)
    assert credentials.current().session_token == "t"
    assert credentials.current().access_key_id == "k"
    assert endpoint.authorizations == ["open sesame"]
    endpoint.answer["Expiration"] = stamp(60)
    credentials.forget()
    credentials.current()
    credentials.current()
    assert len(endpoint.authorizations) == 3


def test_token_may_be_in_a_file(endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from a file\n")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    credentials.current()
    assert endpoint.authorizations == ["from a file"]


@pytest.mark.parametrize("answer", ["no json: swordfish", '["swordfish"]', '{"AccessKeyId": "swordfish"}'])
def test_other_response_is_refused_and_not_shown(endpoint: Endpoint, answer: str) -> None:
    endpoint.answer = answer
    with pytest.raises(AWSCallFailed) as caught:
        credentials.current()
    assert "swordfish" not in str(caught.value)


def test_error_of_the_endpoint_has_its_status(endpoint: Endpoint) -> None:
    endpoint.status = 403
    with pytest.raises(AWSCallFailed, match="403"):
        credentials.current()


def test_foreign_host_without_tls_is_refused(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/credentials")
    with pytest.raises(AWSCallFailed, match=r"example\.com"):
        credentials.current()


def test_endpoint_that_does_not_respond_is_an_error(endpoint: Endpoint) -> None:
    endpoint.server.shutdown()
    endpoint.server.server_close()
    with pytest.raises(AWSCallFailed, match="did not respond"):
        credentials.current()


def test_error_without_keys_has_the_variables(no_aws: None) -> None:
    with pytest.raises(AWSCallFailed, match="No AWS credentials") as caught:
        credentials.current()
    assert "AWS_ACCESS_KEY_ID" in caught.value.hint
