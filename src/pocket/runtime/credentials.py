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
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pocket.errors import AWSCallFailed

if TYPE_CHECKING:
    from urllib.parse import SplitResult

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
    known = _of_environment()
    if known is not None:
        return known
    address = os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
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


def _of_environment() -> Credentials | None:
    environ = os.environ
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    return Credentials(key, secret, environ.get("AWS_SESSION_TOKEN") or None) if key and secret else None


def _fetch(address: str) -> Credentials:
    """Credentials of the endpoint; no frame that an exception leaves through has a key in its variables."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https" and host not in _CONTAINER_HOSTS:
        raise _unavailable(
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI names the host {host!r} without TLS.",
            "Plain HTTP is for the loopback and the container's own address only.",
        )
    try:
        status, found = _answer(parts)
    except (OSError, http.client.HTTPException) as error:
        said = str(error)
    else:
        if status != 200:
            raise _unavailable(
                f"The container's credentials endpoint answered with status {status}.",
                "Invoke again; if it stays so, look at the function's role.",
            )
        if found is None:
            raise _unavailable(
                "The container's credentials endpoint answered something else than credentials.", "Invoke again."
            )
        return found
    raise _unavailable(f"The container's credentials endpoint did not answer: {said}.", "Invoke the function again.")


def _answer(parts: SplitResult) -> tuple[int, Credentials | None]:
    secure = parts.scheme == "https"
    make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=2)
    try:
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("GET", path, headers=_authorization())
        response = connection.getresponse()
        return response.status, _parsed(response.read())
    finally:
        connection.close()


def _authorization() -> dict[str, str]:
    token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    file = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if file:
        with open(file, encoding="utf-8") as stream:  # noqa: PTH123 - pathlib is not loaded on this path
            token = stream.read().strip()
    return {"Authorization": token} if token else {}


def _parsed(body: bytes) -> Credentials | None:
    try:
        data = json.loads(body)
        expiration = data.get("Expiration")
        expires = None
        if expiration:
            expires = float(timegm(time.strptime(expiration[:19], "%Y-%m-%dT%H:%M:%S")))
        return Credentials(data["AccessKeyId"], data["SecretAccessKey"], data.get("Token"), expires)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _unavailable(message: str, hint: str) -> AWSCallFailed:
    return AWSCallFailed(message, hint, service="credentials", operation="GetCredentials", code="NoCredentials")
