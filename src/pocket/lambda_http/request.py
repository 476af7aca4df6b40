"""The neutral request that every wire format is read into, and what is common to reading them.

Text from the wire is kept the way WSGI keeps it, as bytes decoded with Latin-1; only the path is real text, with
surrogate escapes (PEP 383) where its bytes are no UTF-8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from pocket.errors import UnknownEvent
from pocket.lambda_http.encoding import base64_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.lambda_http.headers import Headers

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
"""The characters that stand for themselves in every part of an address (RFC 3986, 2.3)."""
_PLAIN_PATH = f"/{UNRESERVED}".encode()


class Gateway:
    """What an event does not say about the way that a request took.

    `base_path`: the prefix of the public address that the application does not see (`/shop`), None to derive it.
    `trusted_proxies`: how many proxies of one's own, such as CloudFront, stand in front of the gateway.
    """

    __slots__ = ("base_path", "trusted_proxies")

    def __init__(self, base_path: str | None = None, trusted_proxies: int = 0) -> None:
        self.base_path = base_path
        self.trusted_proxies = trusted_proxies


DIRECT = Gateway()
"""No proxy in front, and the prefix as the event tells it."""


class Request:
    """One HTTP request, whatever brought it.

    `path` is decoded and does not begin with `script_name`; `query` stays percent-encoded; `body` is as sent; `client`
    is the peer's address, "" where the event has none.
    """

    def __init__(  # noqa: PLR0917  (keywords would cost each request a hundredth of what Django does)
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
        """For a log: it is one line, whatever the client has sent."""
        return printable(f"{self.method} {self.path}")

    @property
    def raw_path(self) -> bytes:
        """The path with its prefix, percent-encoded: as sent where the format keeps it, else encoded anew."""
        if self._raw_path is not None:
            return self._raw_path.encode("latin-1")
        return quoted(self.script_name + self.path)


def quoted(path: str) -> bytes:
    """A decoded path, percent-encoded."""
    if path.isascii():
        encoded = path.encode()
        if not encoded.translate(None, _PLAIN_PATH):
            return encoded
    return quote(path, safe=_PATH_SAFE, errors="surrogateescape").encode("ascii")


_PATH_SAFE = "/:@!$&'()*+,;=~-._"


def printable(text: str) -> str:
    """`text` with what cannot be printed, line ends above all, as escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def reading(parse: Callable[[dict[str, Any], Gateway], Request]) -> Callable[[dict[str, Any], Gateway], Request]:
    """`parse`, with whatever a broken event raises told as UnknownEvent."""

    def parse_or_refuse(event: dict[str, Any], gateway: Gateway = DIRECT) -> Request:
        try:
            return parse(event, gateway)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise unknown(event, f"is broken ({type(error).__name__})") from error

    parse_or_refuse.__doc__ = parse.__doc__
    return parse_or_refuse


def unknown(event: object, fault: str = "has no format that Pocket knows") -> UnknownEvent:
    """The error for an event that cannot be read: it names the keys, never a value."""
    if not isinstance(event, dict):
        return UnknownEvent(f"The event {fault}: it is {type(event).__name__}, not an object.", _HINT)
    context = event.get("requestContext")
    parts = [f"keys {', '.join(sorted(map(str, event))[:40]) or 'none'}"]
    if isinstance(context, dict):
        parts.append(f"requestContext {', '.join(sorted(map(str, context))[:40]) or 'empty'}")
    return UnknownEvent(f"The event {fault}: {'; '.join(parts)}.", _HINT)


_HINT = (
    "This handler answers API Gateway (REST and HTTP API), function URLs and Application Load Balancers; "
    "use a management command handler for direct invocations, schedules and queues."
)


def decoded(raw: str) -> str:
    """The text that a percent-encoded path stands for; bytes that are no UTF-8 become surrogate escapes."""
    return rooted(unquote(raw, errors="surrogateescape") if "%" in raw else raw)


def rooted(path: str) -> str:
    """A decoded path, beginning with a slash unless it is empty; ValueError for text that no bytes stand for."""
    if not path.isascii():
        path.encode("utf-8", "surrogateescape")
    return path if path.startswith("/") or not path else f"/{path}"


def body_bytes(event: dict[str, Any]) -> bytes:
    """The body as the client sent it; ValueError where it is not what the event says it is."""
    body = event.get("body")
    if not body:
        return b""
    if event.get("isBase64Encoded"):
        return base64_bytes(body)
    return str.encode(body, "utf-8")


def columns(lists: dict[str, Any] | None, single: dict[str, Any] | None) -> tuple[tuple[str, ...], list[str]]:
    """Names and values of a map of `lists`, or, where the event has none, of a map of `single` values."""
    if lists is None:
        pairs = single or {}
        return (*pairs,), [*pairs.values()]
    try:
        return (*lists,), [value for [value] in lists.values()]
    except ValueError:
        names = [name for name, values in lists.items() for _ in list.__iter__(values)]
        return tuple(names), [value for values in lists.values() for value in values]


def joined_query(lists: dict[str, Any] | None, single: dict[str, Any] | None) -> tuple[str, int]:
    """A query string of the same as it is, and how many pairs it has."""
    try:
        if lists is None:
            pairs = single or {}
            return "&".join([name + "=" + value for name, value in pairs.items()]), len(pairs)
        return "&".join([name + "=" + value for name, [value] in lists.items()]), len(lists)
    except ValueError:
        names, values = columns(lists, single)
        return "&".join([name + "=" + value for name, value in zip(names, values, strict=True)]), len(names)
