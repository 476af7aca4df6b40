"""The function's AWS credentials: from its environment, or, after a SnapStart restore, from the container endpoint.

Lambda gives a SnapStart function no key in its environment but the address of an endpoint that hands out short-lived
ones: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import http.client
import json
import os
import time
from calendar import timegm
from urllib.parse import urlsplit

from pocket.errors import AWSCallFailed

RENEW_BEFORE = 300
"""Seconds before their end at which credentials of the container endpoint are fetched anew."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CONTAINER_HOSTS = (*_LOOPBACK, "169.254.170.2", "169.254.170.23", "fd00:ec2::23")


class Credentials:
    """One set of keys; `expires` in seconds since the epoch, None where nobody said. Never shows the secret part."""

    __slots__ = ("access_key_id", "expires", "secret_access_key", "session_token")

    def __init__(
        self, access_key_id: str, secret_access_key: str, session_token: str | None = None, expires: float | None = None
    ) -> None:
        self.access_key_id = access_key_id
        self.secret_access_key = secret_access_key
        self.session_token = session_token
        self.expires = expires

    def __repr__(self) -> str:
        return f"Credentials(access_key_id={self.access_key_id!r})"


_fetched: dict[str, Credentials] = {}


def current() -> Credentials:
    """The credentials to sign with now; raises AWSCallFailed where there are none."""
    environ = os.environ
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return Credentials(key, secret, environ.get("AWS_SESSION_TOKEN") or None)
    address = environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not address:
        raise _unavailable(
            "No AWS credentials in the environment.",
            "Inside Lambda the function's role provides them; elsewhere set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY.",
        )
    known = _fetched.get(address)
    if known is None or (known.expires is not None and known.expires - time.time() < RENEW_BEFORE):
        known = _fetched[address] = _fetch(address)
    return known


def forget() -> None:
    """Drops fetched credentials: those that a snapshot would carry into every restored environment."""
    _fetched.clear()


def _fetch(address: str) -> Credentials:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https" and host not in _CONTAINER_HOSTS:
        raise _unavailable(
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI names the host {host!r} without TLS.",
            "Plain HTTP is for the loopback and the container's own address only.",
        )
    secure = parts.scheme == "https"
    connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(host, parts.port, timeout=2)
    try:
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("GET", path, headers=_authorization())
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise _unavailable(
                f"The container's credentials endpoint answered with status {response.status}.",
                "Invoke again; if it stays so, look at the function's role.",
            )
        return _parse(body)
    except (OSError, http.client.HTTPException) as error:
        raise _unavailable(
            f"The container's credentials endpoint did not answer: {error}.", "Invoke the function again."
        ) from error
    finally:
        connection.close()


def _authorization() -> dict[str, str]:
    token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    file = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if file:
        with open(file, encoding="utf-8") as stream:  # noqa: PTH123 - pathlib is not loaded on this path
            token = stream.read().strip()
    return {"Authorization": token} if token else {}


def _parse(body: bytes) -> Credentials:
    try:
        data = json.loads(body)
        expiration = data.get("Expiration")
        expires = None
        if expiration:
            expires = float(timegm(time.strptime(expiration[:19], "%Y-%m-%dT%H:%M:%S")))
        return Credentials(data["AccessKeyId"], data["SecretAccessKey"], data.get("Token"), expires)
    except (ValueError, KeyError, TypeError, AttributeError):
        # The cause would carry the body, and with it the keys, into tracebacks.
        raise _unavailable(
            "The container's credentials endpoint answered something else than credentials.", "Invoke again."
        ) from None


def _unavailable(message: str, hint: str) -> AWSCallFailed:
    return AWSCallFailed(message, hint, service="credentials", operation="GetCredentials", code="NoCredentials")
