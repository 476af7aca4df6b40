"""One request and response as ASGI messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.lambda_http.response import COOKIE, Response

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence


_MOST_NAMES = 1024
_names: dict[bytes, str] = {}
"""Names of headers that applications have sent, as text."""


class Exchange(Response):
    """`receive` and `send` of one request, and the response, once that is `complete`.

    `size` is the number of body bytes that the application has sent; over the limit they are not kept.
    """

    repeats: Sequence[tuple[str, str]] = ()
    _waiting: Sequence[asyncio.Future[None]] = ()

    def __init__(self, body: bytes, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        self.status = 0
        self.complete = False
        self.size = 0
        self._unread: bytes | None = body
        self._limit = limit
        self._loop = loop
        self._parts: list[bytes] | None = None
        """The body so far; None before the start and after the end."""

    async def receive(self) -> dict[str, Any]:
        """The whole body in one message; after that `http.disconnect`, as soon as the response is complete."""
        body = self._unread
        if body is not None:
            self._unread = None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.complete:
            # One future for each caller, since a cancelled caller cancels its future.
            end = self._loop.create_future()
            self._waiting = (*self._waiting, end)
            await end
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Takes the response; raises RuntimeError for a message out of order, OSError for a body over the limit."""
        kind = message["type"]
        if kind == "http.response.body":
            parts = self._parts
            if parts is None:
                raise RuntimeError("The application sent http.response.body before the start or after the end.")
            body = message.get("body") or b""
            if type(body) is not bytes:
                # The application may reuse a buffer, and the length of a view is in items, not bytes.
                body = bytes(body)
            size = self.size = self.size + len(body)
            if size > self._limit:
                parts.clear()
                raise OSError(f"The response is longer than Lambda's limit of {self._limit:,} bytes.")
            if message.get("more_body"):
                parts.append(body)
                return
            self.body = b"".join((*parts, body)) if parts else body
            self._parts = None
            self.complete = True
            if self._waiting:
                self._wake()
        elif kind == "http.response.start":
            if self.status:
                raise RuntimeError("The application sent http.response.start twice.")
            status = int(message["status"])
            if status < 100:
                raise RuntimeError(f"The application sent {status} as the status of a response.")
            pairs = [*message.get("headers", ())]
            headers = self.headers = {_names.get(name) or _text(name): value.decode("latin-1") for name, value in pairs}
            if len(headers) < len(pairs) or COOKIE in headers:
                self._repeat(pairs)
            self.status = status
            self._parts = []
        elif not kind.startswith("http.response."):
            raise RuntimeError(f"The application sent {kind!r} to an HTTP request.")

    def _repeat(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """Takes headers with repeated names or cookies."""
        texts = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
        response = Response.of_pairs(self.status, texts)
        self.headers, self.repeats = response.headers, response.repeats

    def _wake(self) -> None:
        for end in self._waiting:
            if not end.done():
                end.set_result(None)


def _text(name: bytes) -> str:
    """The name of a header in lower case, which is kept."""
    text = name.decode("latin-1").lower()
    if len(_names) < _MOST_NAMES:
        _names[name] = text
    return text
