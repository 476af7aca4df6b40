from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from pocket.deploy.gates import smoke
from pocket.deploy.gates.smoke import Answer, get


@contextmanager
def serving(status: int, body: bytes = b"", location: str = "", tls: ssl.SSLContext | None = None) -> Iterator[str]:
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
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
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


DOMAIN = "www.owned.example"


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The TLS of a server with a certificate for DOMAIN, which this machine trusts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(DOMAIN)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, form = tmp_path / "pem", serialization.PrivateFormat.PKCS8
    certificate = made.public_bytes(serialization.Encoding.PEM)
    pem.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()) + certificate)
    (tmp_path / "trusted").write_bytes(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted"))
    for name_of_proxy in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name_of_proxy, raising=False)
    monkeypatch.setattr(smoke, "PAUSE", 0.01)
    monkeypatch.setattr(smoke, "READY_AFTER", 1.0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_a_domain_is_asked_at_its_target_without_its_own_records(secure: ssl.SSLContext) -> None:
    with serving(204, tls=secure) as address:
        port = address.rpartition(":")[2]
        assert get(f"https://{DOMAIN}:{port}", through="127.0.0.1") == Answer(204)


def test_a_target_with_the_certificate_of_another_domain_does_not_answer(secure: ssl.SSLContext) -> None:
    with serving(204, tls=secure) as address:
        port = address.rpartition(":")[2]
        answer = get(f"https://other.owned.example:{port}", through="127.0.0.1")
    assert answer.status == 0
    assert "certificate" in answer.body.lower()


def test_a_domain_that_leads_to_no_api_yet_is_asked_again(
    secure: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [Answer(0, "unknown host"), Answer(403, '{"message":"Forbidden"}\n'), Answer(403, "<h1>No</h1>")]
    monkeypatch.setattr(smoke, "_get", lambda *_: answers.pop(0))
    assert get(f"https://{DOMAIN}", through="d-1.execute-api").body == "<h1>No</h1>"
    assert answers == []
