"""The ASGI scope of a neutral request (asgiref's specs/www.rst, version 2.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.lambda_http.headers import Layout
    from pocket.lambda_http.request import Request

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_TOKEN = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+").fullmatch
_INTERNAL = frozenset({"aws.event", "aws.context"})
_MOST_LAYOUTS = 256

_names: dict[Layout, tuple[bytes | None, ...]] = {}


def scope_of(request: Request, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An `http` scope; `aws.event` and `aws.context` are the arguments of the Lambda handler.

    Headers of these two names are the client's and dropped, as are those whose name is no token.
    """
    path = request.script_name + request.path or "/"
    sent = request.headers
    try:
        names = _names[sent.layout]
    except KeyError:
        names = _names_of(sent.layout)
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
        "headers": [
            (name, value.encode("latin-1")) for name, value in zip(names, sent.values, strict=True) if name is not None
        ],
        "client": (request.client, 0) if request.client else None,
        "server": (request.server_name, int(request.server_port)),
        "aws.event": event,
        "aws.context": context,
    }


def _names_of(layout: Layout) -> tuple[bytes | None, ...]:
    """The names of `layout` as bytes, None for those that are dropped; kept for the next request that has them."""
    if len(_names) >= _MOST_LAYOUTS:
        _names.clear()
    names = _names[layout] = tuple(
        None if name in _INTERNAL or not _TOKEN(name) else name.encode("ascii") for name in layout.names
    )
    return names
