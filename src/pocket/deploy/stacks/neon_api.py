"""Calls of Neon's HTTP API: one key, one project, JSON both ways, errors as Pocket's.

https://api-docs.neon.tech/reference/getting-started-with-neon-api
"""

from __future__ import annotations

import json
import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pocket.errors import DeployError

BASE = "https://console.neon.tech/api/v2"
TIMEOUT = 30.0
"""Seconds for one response."""

PATIENCE = 120.0
"""Seconds in which a call is repeated while the project is locked by another change, or Neon is busy."""

PAUSE = 1.0
_LONGEST_PAUSE = 10.0
_BUSY = frozenset({423, 429, 503})
"""Neon has not carried out a request that it answers so, and any method may be repeated."""

_AGAIN = "Try again; a deploy goes on where it stopped."
_KEY = (
    "Create an API key in Neon's console, and put it into NEON_API_KEY or into the secret in database.api_key_secret."
)
_LIMIT = "Delete branches that are no longer used, or raise the limit of Neon's plan."


class NeonError(DeployError):
    """Neon refused a call, or did not answer; `status` is 0 without an answer."""

    def __init__(self, message: str, hint: str, *, status: int) -> None:
        super().__init__(message, hint)
        self.status = status


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Neon:
    """One project of Neon, called with a key; `source` says where the key is from."""

    def __init__(self, project: str, key: str, source: str) -> None:
        self.project = project
        self._key = key
        self._source = source
        self._opener = build_opener(_NoRedirects)

    def get(self, *path: str, **query: str) -> Any:
        """The answer to a GET below the project."""
        return self._call("GET", path, query, None)

    def post(self, *path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer to a POST below the project."""
        return self._call("POST", path, {}, body)

    def delete(self, *path: str) -> Any:
        """The answer to a DELETE below the project; None if there is nothing to delete."""
        return self._call("DELETE", path, {}, None)

    def _call(self, method: str, path: tuple[str, ...], query: dict[str, str], body: dict[str, Any] | None) -> Any:
        """Raises NeonError; what may have been carried out is not repeated."""
        ends, pause = time.monotonic() + PATIENCE, PAUSE
        while True:
            try:
                return self._once(method, path, query, body)
            except NeonError as error:
                repeatable = error.status in _BUSY or (method == "GET" and (not error.status or error.status >= 500))
                if not repeatable or time.monotonic() + pause > ends:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(self, method: str, path: tuple[str, ...], query: dict[str, str], body: dict[str, Any] | None) -> Any:
        place = "/".join(("projects", *(quote(part, safe="") for part in (self.project, *path))))
        url = f"{BASE}/{place}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "django-pocket"}
        request = Request(  # noqa: S310 - BASE is https
            url,
            None if body is None else json.dumps(body).encode(),
            {**headers, "Authorization": f"Bearer {self._key}"},
            method=method,
        )
        call = f"{method} {'/'.join(path) or 'project'}"
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                text = answer.read()
            return json.loads(text) if text else None
        except HTTPError as error:
            refused = self._refused(call, error)
        except (OSError, HTTPException) as error:
            message = f"Neon did not answer to {call}: {getattr(error, 'reason', None) or type(error).__name__}."
            refused = NeonError(message, f"Check the network and HTTPS_PROXY. {_AGAIN}", status=0)
        except ValueError:
            refused = NeonError(f"Neon's answer to {call} is not JSON.", _AGAIN, status=0)
        raise refused

    def _refused(self, call: str, error: HTTPError) -> NeonError:
        """The error for a status that is not of success, with Neon's own message."""
        try:
            found = json.loads(error.read())
            message, code = str(found["message"]), str(found.get("code", ""))
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            message, code = f"status {error.code}", ""
        status = error.code
        if status in {401, 403}:
            return NeonError(f"Neon refused the API key from {self._source}: {message}", _KEY, status=status)
        if status == 404:
            text = f"Neon has nothing for {call} in the project {self.project}, or the API key has no access: {message}"
            return NeonError(text, "Compare database.project with the id in Neon's console.", status=status)
        hint = _LIMIT if "LIMIT" in code or "limit" in message else _AGAIN
        return NeonError(f"Neon refused {call} ({status}): {message}", hint, status=status)
