"""The WSGI environment, which is Django's `request.META`, of a neutral request."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.lambda_http.request import Request

_TOKEN = re.compile(r"[a-z0-9!#$%&'*+.^`|~-]+").fullmatch
_INTERNAL = frozenset({"aws.event", "aws.context", "aws-event", "aws-context", "lambda-event", "lambda-context"})
_MOST_NAMES = 1000

_names: dict[str, str | None] = {"content-type": "CONTENT_TYPE", "content-length": None}


def environ_of(request: Request) -> dict[str, Any]:
    """A WSGI environment (PEP 3333) without `wsgi.input`; SCRIPT_NAME and PATH_INFO are left to the caller."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query,
        "SERVER_NAME": request.server_name,
        "SERVER_PORT": request.server_port,
        "SERVER_PROTOCOL": request.protocol,
        "REMOTE_ADDR": request.client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    names = _names
    for name, value in request.headers:
        try:
            key = names[name]
        except KeyError:
            key = _name(name)
        if key is None:
            continue
        environ[key] = value if key not in environ else _join(key, environ[key], value)
    if request.body or request.method in _WITH_BODY:
        environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ


def _join(key: str, first: str, second: str) -> str:
    return f"{first}{'; ' if key == 'HTTP_COOKIE' else ','}{second}"


_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def _name(name: str) -> str | None:
    """The environment's key for a header, None where the header is dropped.

    Dropped are names that are no token, those with an underscore, which would pass for their neighbour with a hyphen
    (a client could so forge X-Forwarded-Host past a gateway), and those that imitate what Pocket itself hands over.
    """
    key = None if name in _INTERNAL or not _TOKEN(name) else f"HTTP_{name.replace('-', '_').upper()}"
    if len(_names) < _MOST_NAMES:
        _names[name] = key
    return key
