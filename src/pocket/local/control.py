"""Requests to a running emulator's control port."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from pocket.errors import LocalAWSError

TOKEN_HEADER = "X-Pocket-Token"  # noqa: S105 — the header's name


def ask(endpoint_url: str, token: str, operation: str, body: Any = None, *, seconds: float = 10.0) -> dict[str, Any]:
    """Run `operation` and return the answer. Raises LocalAWSError where there is none, and for an error."""
    address = urlsplit(endpoint_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=seconds)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request("POST", f"/_pocket/{operation}", payload, {TOKEN_HEADER: token})
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise LocalAWSError(
            f"The local AWS does not answer at {endpoint_url}: {error}", "Start it with `pocket local`."
        ) from error
    finally:
        connection.close()
    if response.status != 200:
        raise LocalAWSError(f"The local AWS refused {operation!r}: {_message(answer)}")
    found: dict[str, Any] = json.loads(answer)
    return found


def _message(answer: bytes) -> str:
    try:
        found = json.loads(answer)
        return str(found.get("error") or found.get("message") or found)
    except (ValueError, AttributeError):
        return answer[:200].decode("utf-8", "replace")
