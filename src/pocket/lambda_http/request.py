"""A request, independent of its event's format, and the functions that all formats use to read one.

Strings are as in WSGI: bytes decoded with Latin-1. Only the path is decoded with UTF-8, with surrogate escapes (PEP
383) for invalid bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from pocket.errors import UnknownEvent
from pocket.lambda_http.encoding import base64_bytes
from pocket.lambda_http.headers import Headers

if TYPE_CHECKING:
    from collections.abc import Callable

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
"""The characters that need no encoding in any part of a URL (RFC 3986, 2.3)."""
_PLAIN_PATH = f"/{UNRESERVED}".encode()


class Gateway:
    """Facts about a request's route that its event does not contain.

    `base_path`: the prefix of public paths that the application does not see (`/shop`), None to derive it from events.
    `trusted_proxies`: the number of the project's proxies, such as CloudFront, in front of the gateway.
    `cached`: whether the stage's own CDN, which may store responses, is in front of the gateway.
    """

    __slots__ = ("base_path", "cached", "trusted_proxies")

    def __init__(self, base_path: str | None = None, trusted_proxies: int = 0, *, cached: bool = False) -> None:
        self.base_path = base_path
        self.trusted_proxies = trusted_proxies
        self.cached = cached


DIRECT = Gateway()
"""No proxies, and the prefix derived from the event."""


class Request:
    """One HTTP request.

    `path` is decoded and does not begin with `script_name`; `query` is percent-encoded; `body` is as sent; `client` is
    the client's address, "" where the event has none.
    """

    def __init__(  # noqa: PLR0917  (keywords would add one percent of Django's own time to each request)
        self,
        method: str,
        script_name: str,
        path: str,
        raw_path: str | None,
        query: str,
        headers: Headers,
        body: bytes,
        scheme: str,
        server_name: str,
        server_port: str,
        client: str,
        protocol: str,
    ) -> None:
        self.method = method
        self.script_name = script_name
        self.path = path
        self._raw_path = raw_path
        self.query = query
        self.headers = headers
        self.body = body
        self.scheme = scheme
        self.server_name = server_name
        self.server_port = server_port
        self.client = client
        self.protocol = protocol

    def __str__(self) -> str:
        """Method and path on one line, for a log."""
        return printable(f"{self.method} {self.path}")

    @property
    def raw_path(self) -> bytes:
        """The path with its prefix, percent-encoded: as sent if the event has that form, else encoded again."""
        if self._raw_path is not None:
            return self._raw_path.encode("latin-1")
        return quoted(self.script_name + self.path)


@lru_cache(maxsize=256)
def quoted(path: str) -> bytes:
    """A decoded path, percent-encoded."""
    if path.isascii():
        encoded = path.encode()
        if not encoded.translate(None, _PLAIN_PATH):
            return encoded
    return quote(path, safe=_PATH_SAFE, errors="surrogateescape").encode("ascii")


_PATH_SAFE = "/:@!$&'()*+,;=~-._"


def printable(text: str) -> str:
    """`text` with escapes for characters that cannot be printed, such as line ends."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def reading(parse: Callable[[dict[str, Any], Gateway], Request]) -> Callable[[dict[str, Any], Gateway], Request]:
    """Wraps `parse`, so that errors caused by an invalid event become UnknownEvent."""

    def parse_or_refuse(event: dict[str, Any], gateway: Gateway = DIRECT) -> Request:
        try:
            return parse(event, gateway)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise unknown(event, f"is invalid ({type(error).__name__})") from error

    parse_or_refuse.__doc__ = parse.__doc__
    return parse_or_refuse


def unknown(event: object, reason: str = "has no format that Pocket knows") -> UnknownEvent:
    """The error for an event that cannot be read; it shows the event's keys, but not values."""
    if not isinstance(event, dict):
        return UnknownEvent(f"The event {reason}: it is {type(event).__name__}, not an object.", _HINT)
    context = event.get("requestContext")
    parts = [f"keys {', '.join(sorted(map(str, event))[:40]) or 'none'}"]
    if isinstance(context, dict):
        parts.append(f"requestContext {', '.join(sorted(map(str, context))[:40]) or 'empty'}")
    return UnknownEvent(f"The event {reason}: {'; '.join(parts)}.", _HINT)


_HINT = (
    "This handler accepts events of API Gateway (REST and HTTP API), function URLs and Application Load Balancers. "
    "Use a management command handler for direct invocations, schedules and queues."
)


def decoded(raw: str) -> str:
    """A percent-encoded path, decoded; bytes that are not UTF-8 become surrogate escapes."""
    return rooted(unquote(raw, errors="surrogateescape") if "%" in raw else raw)


def rooted(path: str) -> str:
    """A decoded path with a slash at its beginning unless it is empty; raises ValueError for lone surrogates."""
    if not path.isascii():
        path.encode("utf-8", "surrogateescape")
    return path if path.startswith("/") or not path else f"/{path}"


def body_bytes(event: dict[str, Any]) -> bytes:
    """The body as the client sent it; raises ValueError for invalid Base64."""
    body = event.get("body")
    if not body:
        return b""
    if event.get("isBase64Encoded"):
        return base64_bytes(body)
    return str.encode(body, "utf-8")


def headers_of(event: dict[str, Any]) -> Headers:
    """The headers of an event that has lists of values, or single values."""
    lists = event.get("multiValueHeaders")
    if lists is not None and isinstance(cookies := lists.get("cookie"), list) and len(cookies) > 1:
        # Over HTTP/2 a browser may send several. To join them here is cheap, since other lists have one value.
        lists = {**lists, "cookie": ["; ".join(cookies)]}
    return Headers(*columns(lists, event.get("headers")))


def columns(lists: dict[str, Any] | None, single: dict[str, Any] | None) -> tuple[tuple[str, ...], list[str]]:
    """Names and values of the map `lists`, or, where that is None, of the map of `single` values."""
    if lists is None:
        pairs = single or {}
        return (*pairs,), [*pairs.values()]
    try:
        return (*lists,), [value for [value] in lists.values()]
    except ValueError:
        names = [name for name, values in lists.items() for _ in list.__iter__(values)]
        return tuple(names), [value for values in lists.values() for value in values]


def joined_query(lists: dict[str, Any] | None, single: dict[str, Any] | None) -> tuple[str, int]:
    """A query string of the same maps, without encoding, and its number of pairs."""
    try:
        if lists is None:
            pairs = single or {}
            return "&".join([name + "=" + value for name, value in pairs.items()]), len(pairs)
        return "&".join([name + "=" + value for name, [value] in lists.items()]), len(lists)
    except ValueError:
        names, values = columns(lists, single)
        return "&".join([name + "=" + value for name, value in zip(names, values, strict=True)]), len(names)
