"""ASGI helpers that `guard` and `front` share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


class TooLarge(Exception):
    """A request's body exceeds the limit."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body; raises TooLarge beyond `limit` bytes.

    Only after taking in the rest, since a client that is still sending may never read the answer.
    """
    parts, length, more = [], 0, True
    while more:
        message = await receive()
        part = message.get("body", b"")
        length += len(part)
        if length <= limit:
            parts.append(part)
        more = message.get("more_body", False)
    if length > limit:
        raise TooLarge
    return b"".join(parts)


def replay(body: bytes) -> Receive:
    """A receive channel that gives `body` and then a disconnect."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def respond(send: Send, status: int, content_type: str, text: str, headers: Headers = ()) -> None:
    """Send a complete text response that caches do not keep."""
    body = text.encode()
    fixed = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})
