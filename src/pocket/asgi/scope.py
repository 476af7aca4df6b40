"""The ASGI scope of a request (asgiref's specs/www.rst, version 2.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.lambda_http.headers import Headers, Layout
    from pocket.lambda_http.request import Request

_TOKEN = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+").fullmatch
_INTERNAL = frozenset({"aws.event", "aws.context"})
_MOST_LAYOUTS = 256
_VERSIONS = {"HTTP/1.1": "1.1", "HTTP/2.0": "2"}

_names: dict[Layout, tuple[tuple[bytes | None, ...], bool]] = {}


def scope_of(request: Request, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An `http` scope; `aws.event` and `aws.context` are the arguments of the Lambda handler.

    Headers with one of these two names, which a client can send, are dropped, as are those whose name is not a token.
    """
    path = request.script_name + request.path or "/"
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": _VERSIONS.get(request.protocol) or request.protocol.rpartition("/")[2],
        "method": request.method,
        "scheme": request.scheme,
        "path": path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        "raw_path": request.raw_path,
        "query_string": request.query.encode("latin-1"),
        "root_path": request.script_name,
        "headers": _pairs(request.headers),
        "client": (request.client, 0) if request.client else None,
        "server": (request.server_name, int(request.server_port)),
        "aws.event": event,
        "aws.context": context,
    }


def _pairs(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers as ASGI has them. They take most of a scope's time, so there is no loop in Python where possible."""
    layout = headers.layout
    try:
        names, plain = _names[layout]
    except KeyError:
        names, plain = _names_of(layout)
    pairs = zip(names, headers.encoded())  # noqa: B905  (strict=True takes a tenth longer)
    return list(pairs) if plain else [pair for pair in pairs if pair[0] is not None]  # type: ignore[arg-type, misc]


def _names_of(layout: Layout) -> tuple[tuple[bytes | None, ...], bool]:
    """The names of `layout` as bytes, None for dropped ones, and whether all are kept; the result is cached."""
    if len(_names) >= _MOST_LAYOUTS:
        _names.clear()
    names = tuple(None if name in _INTERNAL or not _TOKEN(name) else name.encode("ascii") for name in layout.names)
    known = _names[layout] = names, None not in names
    return known
