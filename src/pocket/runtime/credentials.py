"""The function's AWS credentials: from its environment, or, with SnapStart, from the container credentials endpoint.

A SnapStart function has no keys in its environment. It has the address of an endpoint that returns short-lived keys:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
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
"""Seconds before their expiration at which the endpoint's credentials are renewed."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CONTAINER_HOSTS = (*_LOOPBACK, "169.254.170.2", "169.254.170.23", "fd00:ec2::23")


class Credentials:
    """One set of keys; `expires` in seconds since the epoch, None where unknown. The secret key is not in the repr."""

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
    """The credentials to sign with now; raises AWSCallFailed without any."""
    known = _of_environment()
    if known is not None:
        return known
    address = os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not address:
        raise _unavailable(
            "No AWS credentials in the environment.",
            "In Lambda the function's role provides them. Elsewhere, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    known = _fetched.get(address)
    if known is None or (known.expires is not None and known.expires - time.time() < RENEW_BEFORE):
        known = _fetched[address] = _fetch(address)
    return known


def forget() -> None:
    """Drops fetched credentials, so that a snapshot does not contain them."""
    _fetched.clear()


def _of_environment() -> Credentials | None:
    environ = os.environ
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    return Credentials(key, secret, environ.get("AWS_SESSION_TOKEN") or None) if key and secret else None


def _fetch(address: str) -> Credentials:
    """Credentials of the endpoint; no frame that raises an exception has a key in its variables."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https" and host not in _CONTAINER_HOSTS:
        raise _unavailable(
            f"AWS_CONTAINER_CREDENTIALS_FULL_URI has the host {host!r} and no TLS.",
            "Use https. http is allowed only for loopback and the container's own addresses.",
        )
    try:
        status, found = _answer(parts)
    except (OSError, http.client.HTTPException) as error:
        reason = str(error)
    else:
        if status != 200:
            raise _unavailable(
                f"The container credentials endpoint responded with status {status}.",
                "Invoke the function again. If the error persists, check the function's role.",
            )
        if found is None:
            raise _unavailable(
                "The container credentials endpoint: expected credentials, got another response.",
                "Invoke the function again.",
            )
        return found
    raise _unavailable(f"The container credentials endpoint did not respond: {reason}.", "Invoke the function again.")


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
        with open(file, encoding="utf-8") as stream:  # noqa: PTH123 - pathlib is not imported here
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
