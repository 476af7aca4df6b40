"""The WSGI environment of a request, which is Django's `request.META`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pocket.lambda_http.headers import Layout
    from pocket.lambda_http.request import Request

_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+.^`|~-"
_INTERNAL = frozenset({"aws.event", "aws.context", "aws-event", "aws-context", "lambda-event", "lambda-context"})
_UNPREFIXED = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})
_MOST_PLANS = 256

_SET = (
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "REMOTE_ADDR",
    "wsgi.url_scheme",
    "wsgi.errors",
    "wsgi.input",
)
_FIXED: dict[str, Any] = {
    "wsgi.version": (1, 0),
    "wsgi.multithread": False,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
_plans: dict[Layout, _Plan] = {}


class _Plan:
    """What is common to all requests with the same header names.

    `blank` is an environment with all keys, so that a copy of it never grows; `keys` are the headers' keys, None for a
    dropped header; `plain` is true if no header is dropped or repeated.
    """

    __slots__ = ("blank", "keys", "plain")

    def __init__(self, blank: dict[str, Any], keys: tuple[str | None, ...], plain: bool) -> None:
        self.blank = blank
        self.keys = keys
        self.plain = plain


def environ_of(request: Request) -> dict[str, Any]:
    """A WSGI environment (PEP 3333); the caller sets `wsgi.input`, SCRIPT_NAME and PATH_INFO."""
    headers = request.headers
    try:
        plan = _plans[headers.layout]
    except KeyError:
        plan = _plan(headers.layout)
    environ = plan.blank.copy()
    if plan.plain:
        for key, value in zip(plan.keys, headers.values):  # noqa: B905  (strict=True doubles the loop's time)
            environ[key] = value  # type: ignore[index]
    else:
        _add(environ, plan.keys, headers.values)
    environ["REQUEST_METHOD"] = request.method
    environ["QUERY_STRING"] = request.query
    environ["SERVER_NAME"] = request.server_name
    environ["SERVER_PORT"] = request.server_port
    environ["SERVER_PROTOCOL"] = request.protocol
    environ["REMOTE_ADDR"] = request.client
    environ["wsgi.url_scheme"] = request.scheme
    environ["wsgi.errors"] = sys.stderr
    if request.body or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ


def _plan(layout: Layout) -> _Plan:
    keys = tuple(map(_key, layout.names))
    plain = None not in keys and len(set(keys)) == len(keys)
    blank = dict.fromkeys((*_SET, *keys), "") if plain else dict.fromkeys(_SET, "")
    if len(_plans) >= _MOST_PLANS:
        _plans.clear()
    plan = _plans[layout] = _Plan({**blank, **_FIXED}, keys, plain)  # type: ignore[dict-item]
    return plan


def _add(environ: dict[str, Any], keys: Iterable[str | None], values: Iterable[str]) -> None:
    """Adds headers, some of them dropped or repeated; repeated ones are joined (RFC 9110, 5.3), cookies are already."""
    for key, value in zip(keys, values, strict=True):
        if key is not None:
            first = environ.get(key)
            environ[key] = value if first is None else f"{first},{value}"


def _key(name: str) -> str | None:
    """The environment's key for a header, None for a dropped one.

    Dropped are names that are not tokens; names with an underscore, which have the same key as the name with a hyphen,
    so that a client could forge X-Forwarded-Host; and names of Pocket's own keys.
    """
    if not name or name.strip(_NAME_CHARACTERS) or name in _INTERNAL:
        return None
    key = name.replace("-", "_").upper()
    return key if key in _UNPREFIXED else f"HTTP_{key}"
