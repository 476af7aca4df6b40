"""The WSGI environment, which is Django's `request.META`, of a neutral request."""

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
    """What is the same for all requests whose headers have the same names.

    `blank` is an environment that has every key already, so that a copy of it never grows; `keys` are those of the
    headers, None for one that is dropped; `plain` is true where none is dropped or repeated.
    """

    __slots__ = ("blank", "keys", "plain")

    def __init__(self, blank: dict[str, Any], keys: tuple[str | None, ...], plain: bool) -> None:
        self.blank = blank
        self.keys = keys
        self.plain = plain


def environ_of(request: Request) -> dict[str, Any]:
    """A WSGI environment (PEP 3333) without `wsgi.input`; SCRIPT_NAME and PATH_INFO are left to the caller."""
    headers = request.headers
    try:
        plan = _plans[headers.layout]
    except KeyError:
        plan = _plan(headers.layout)
    environ = plan.blank.copy()
    if plan.plain:
        for key, value in zip(plan.keys, headers.values):  # noqa: B905  (to be strict takes as long as all the rest)
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
    """Adds headers of which some are dropped or repeated; repeats are joined (RFC 9110, 5.3), cookies are already."""
    for key, value in zip(keys, values, strict=True):
        if key is not None:
            first = environ.get(key)
            environ[key] = value if first is None else f"{first},{value}"


def _key(name: str) -> str | None:
    """The environment's key for a header, None where the header is dropped.

    Dropped are names that are no token, those with an underscore, which would pass for their neighbour with a hyphen
    (a client could so forge X-Forwarded-Host past a gateway), and those that imitate what Pocket itself hands over.
    """
    if not name or name.strip(_NAME_CHARACTERS) or name in _INTERNAL:
        return None
    key = name.replace("-", "_").upper()
    return key if key in _UNPREFIXED else f"HTTP_{key}"
