"""One call to AWS: retries, deadlines, errors, TLS."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from aws_double import REGION, AWSDouble

from pocket.errors import AWSCallFailed
from pocket.runtime import aws as call
from pocket.runtime import tls

BATCH = {"SecretIdList": ["s"]}


@pytest.mark.parametrize(
    "failure",
    [
        (400, "ThrottlingException"),
        (429, "TooManyRequestsException"),
        (500, "InternalServiceError"),
        (503, "ServiceUnavailable"),
        "reset",
    ],
)
def test_temporary_failures_are_retried(aws: AWSDouble, failure: tuple[int, str] | str) -> None:
    aws.put("s", "value")
    aws.failures.extend([failure, failure])
    found = call.call_json("secretsmanager", "BatchGetSecretValue", BATCH, region=REGION)
    assert found["SecretValues"][0]["SecretString"] == "value"
    assert len(aws.calls) == 3


def test_permanent_errors_are_not_retried(aws: AWSDouble) -> None:
    aws.failures.append((400, "AccessDeniedException"))
    with pytest.raises(AWSCallFailed) as caught:
        call.call_json("secretsmanager", "BatchGetSecretValue", BATCH, region=REGION)
    assert (caught.value.service, caught.value.operation) == ("secretsmanager", "BatchGetSecretValue")
    assert caught.value.code == "AccessDeniedException"
    assert len(aws.calls) == 1


def test_retries_end_at_the_deadline(aws: AWSDouble) -> None:
    aws.failures.extend([(400, "ThrottlingException")] * 100)
    started = time.monotonic()
    with pytest.raises(AWSCallFailed, match="ThrottlingException"):
        call.call_json("secretsmanager", "BatchGetSecretValue", BATCH, region=REGION, deadline=0.8)
    assert time.monotonic() - started < call.DEADLINE - 0.5
    assert len(aws.calls) > 1


def test_server_without_a_response_times_out_at_the_deadline(aws: AWSDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(AWSCallFailed) as caught:
            call.call_json("ssm", "GetParameters", {"Names": ["a"]}, region=REGION, deadline=0.3)
    assert time.monotonic() - started < call.DEADLINE - 0.5
    assert caught.value.code == "NoAnswer"
    assert "VPC endpoint" in caught.value.hint


@pytest.mark.parametrize("answer", ["<html>swordfish</html>", '["swordfish"]'])
def test_response_that_is_not_an_object_is_refused_and_not_shown(aws: AWSDouble, answer: str) -> None:
    aws.failures.append(answer)
    with pytest.raises(AWSCallFailed) as caught:
        call.call_json("secretsmanager", "BatchGetSecretValue", BATCH, region=REGION)
    assert caught.value.code == "UnreadableAnswer"
    assert "swordfish" not in f"{caught.value!s}{caught.value.__context__!s}"


def test_xml_error_is_parsed() -> None:
    answer = b"<ErrorResponse><Error><Code>ValidationError</Code><Message>no stack</Message></Error></ErrorResponse>"
    assert call._error_in("", answer) == ("ValidationError", "no stack")


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("AccessDeniedException:http://internal.amazon.com/", b"{}", "AccessDeniedException"),
        ("", b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist"}', "QueueDoesNotExist"),
        ("", b'{"__type": "ResourceNotFoundException"}', "ResourceNotFoundException"),
        ("", b"gateway timeout", "UnknownError"),
    ],
)
def test_error_code_is_parsed(kind: str, body: bytes, code: str) -> None:
    assert call._error_in(kind, body)[0] == code


def test_server_with_another_root_is_refused_unless_the_bundle_has_it(
    aws: AWSDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    aws.put("s", "value")
    with tls_proxy(aws.server.server_port, certificate, key) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://localhost:{port}")
        tls.forget()
        with pytest.raises(AWSCallFailed, match="CERTIFICATE_VERIFY_FAILED"):
            call.call_json("secretsmanager", "BatchGetSecretValue", BATCH, region=REGION, deadline=3)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        tls.forget()
        monkeypatch.setattr(tls, "quick_context", tls._amazon_roots)
        call.call_json("secretsmanager", "BatchGetSecretValue", BATCH, region=REGION, deadline=3)
    tls.forget()


def test_quick_context_verifies_and_has_amazons_roots_only() -> None:
    context = tls._amazon_roots()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    names = {dict(pair for part in item["subject"] for pair in part)["commonName"] for item in context.get_ca_certs()}
    assert names == {
        "Amazon Root CA 1",
        "Amazon Root CA 2",
        "Amazon Root CA 3",
        "Amazon Root CA 4",
        "Starfield Services Root Certificate Authority - G2",
    }


def test_botocore_trusts_every_root() -> None:
    import botocore

    bundle = Path(botocore.__file__).with_name("cacert.pem").read_text()
    mine = Path(tls.__file__).with_name("amazon_roots.pem").read_text()
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", mine, re.DOTALL)
    assert len(blocks) == 5
    known = re.sub(r"\s", "", bundle)
    assert all(re.sub(r"\s", "", block) in known for block in blocks)


def test_system_bundle_is_found_outside_of_openssls_default_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, _ = self_signed(tmp_path)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr(tls, "_BUNDLE_PATHS", (str(tmp_path / "absent"), str(certificate)))
    assert tls._system_bundle().cert_store_stats()["x509"] == 1


def self_signed(directory: Path) -> tuple[Path, Path]:
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = directory / "certificate.pem", directory / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


class tls_proxy:  # noqa: N801 - used as a context manager
    """Accepts TLS connections and forwards them, decrypted, to a port on loopback."""

    def __init__(self, target: int, certificate: Path, key: Path) -> None:
        self.target = target
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.server = socket.create_server(("localhost", 0))

    def __enter__(self) -> int:
        threading.Thread(target=self.accept, daemon=True).start()
        port: int = self.server.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self.server.close()

    def accept(self) -> None:
        while True:
            try:
                raw, _ = self.server.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(raw, server_side=True) as client:
                    self.serve(client)
            except OSError:
                continue

    def serve(self, client: ssl.SSLSocket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(65536)
        head, _, body = request.partition(b"\r\n\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]
        while len(body) < length:
            body += client.recv(65536)
        with socket.create_connection(("127.0.0.1", self.target)) as upstream:
            upstream.sendall(head.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n", 1) + b"\r\n\r\n" + body)
            while data := upstream.recv(65536):
                client.sendall(data)
