"""A server in front of PostgreSQL that speaks TLS and takes IAM tokens as passwords, as RDS does.

It checks a token with botocore: the token of the same moment, made by botocore, must be equal.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock
from urllib.parse import parse_qs

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "board.cluster-abc.eu-west-1.rds.amazonaws.com"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session"}

_SSL_REQUEST = 80877103
_INVALID_PASSWORD = ("28P01", "PAM authentication failed")
_STARTING = ("57P03", "the database system is starting up")


def certificate(folder: Path, host: str = HOST) -> tuple[Path, Path]:
    """The files of a self-signed certificate of `host`, which is its own root, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / f"{host}.pem", folder / f"{host}.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return certificate_file, key_file


class TokenProxy:
    """The proxy on a free port; `tokens` are those that it got, `asleep` the connections that it still refuses."""

    def __init__(self, port: int, files: tuple[Path, Path]) -> None:
        self.tokens: list[str] = []
        self.asleep = 0
        self._target = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*files)
        self._client = boto3.client(
            "rds",
            region_name="eu-west-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=KEYS["AWS_SESSION_TOKEN"],
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if struct.unpack("!II", _exactly(plain, 8)) != (8, _SSL_REQUEST):
                return
            plain.sendall(b"S")
            with self._context.wrap_socket(plain, server_side=True) as client:
                (length,) = struct.unpack("!I", _exactly(client, 4))
                startup = _exactly(client, length - 4)
                if self.asleep:
                    self.asleep -= 1
                    client.sendall(_error(*_STARTING))
                    return
                client.sendall(struct.pack("!cII", b"R", 8, 3))
                _, length = struct.unpack("!cI", _exactly(client, 5))
                token = _exactly(client, length - 4).rstrip(b"\0").decode()
                self.tokens.append(token)
                words = startup[4:].split(b"\0")
                parameters = dict(zip(words[::2], words[1::2], strict=False))
                if not self.accepts(token, parameters[b"user"].decode()):
                    client.sendall(_error(*_INVALID_PASSWORD))
                    return
                with socket.create_connection(("127.0.0.1", self._target)) as server:
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    server.sendall(struct.pack("!I", len(startup) + 4) + startup)
                    threading.Thread(target=_copy, args=(client, server), daemon=True).start()
                    _copy(server, client)

    def accepts(self, token: str, user: str) -> bool:
        """Whether botocore makes the same token for the user, at a moment that is not longer ago than it is valid."""
        place, _, text = token.partition("/?")
        query = parse_qs(text)
        moment = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        with mock.patch("botocore.auth.get_current_datetime", return_value=moment.replace(tzinfo=None)):
            own = self._client.generate_db_auth_token(DBHostname=HOST, Port=self.port, DBUsername=user)
        fresh = abs(time.time() - moment.timestamp()) < int(query["X-Amz-Expires"][0])
        return fresh and place == f"{HOST}:{self.port}" and query == parse_qs(own.partition("/?")[2])


def _exactly(source: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = source.recv(count - len(found))
        if not part:
            raise ConnectionError("the other side closed the connection")
        found += part
    return found


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)


def _error(code: str, message: str) -> bytes:
    fields = b"".join(kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"C", code), (b"M", message)))
    return b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"
