"""The ASGI scope of a neutral request (asgiref's specs/www.rst, version 2.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.lambda_http.request import Request

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_TOKEN = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+").fullmatch
_INTERNAL = frozenset({"aws.event", "aws.context"})
_MOST_NAMES = 1000

_names: dict[str, bytes | None] = {}


def scope_of(request: Request, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An `http` scope; `aws.event` and `aws.context` are the arguments of the Lambda handler.

    Headers of these two names are the client's and dropped, as are those whose name is no token.
    """
    path = request.script_name + request.path or "/"
    names = _names
    headers: list[tuple[bytes, bytes]] = []
    for name, value in request.headers:
        key = names[name] if name in names else _name(name)
        if key is not None:
            headers.append((key, value.encode("latin-1")))
    return {
        "type": "http",
        "asgi": _ASGI.copy(),
        "http_version": request.protocol.rpartition("/")[2],
        "method": request.method,
        "scheme": request.scheme,
        "path": path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "raw_path": request.raw_path,
        "query_string": request.query.encode("latin-1"),
        "root_path": request.script_name,
        "headers": headers,
        "client": (request.client, 0) if request.client else None,
        "server": (request.server_name, int(request.server_port)),
        "aws.event": event,
        "aws.context": context,
    }


def _name(name: str) -> bytes | None:
    key = name.encode("ascii") if name not in _INTERNAL and _TOKEN(name) else None
    if len(_names) < _MOST_NAMES:
        _names[name] = key
    return key
