"""One request and response as ASGI's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.lambda_http.response import COOKIE, Response

if TYPE_CHECKING:
    import asyncio


class Exchange(Response):
    """`receive` and `send` of a request whose body is whole from the start.

    It is the response itself, once that is `complete`; `size` is how many bytes of body the application has sent so
    far, of which over the limit no more are kept.
    """

    def __init__(self, body: bytes, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        self.status = 0
        self.body = b""
        self.repeats = ()
        self.complete = False
        self.size = 0
        self._asked: bytes | None = body
        self._limit = limit
        self._loop = loop
        self._parts: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []

    async def receive(self) -> dict[str, Any]:
        """The body, in one message; after that `http.disconnect`, but not before the response is complete."""
        body = self._asked
        if body is not None:
            self._asked = None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.complete:
            # Each its own: who gives up waiting cancels what it waits for.
            end = self._loop.create_future()
            self._waiting.append(end)
            await end
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Takes the response's start and body; RuntimeError for messages out of order, OSError past Lambda's limit."""
        kind = message["type"]
        if kind == "http.response.body":
            if not self.status or self.complete:
                raise RuntimeError("The application has sent http.response.body before the start or after the end.")
            parts = self._parts
            if body := message.get("body"):
                if type(body) is not bytes:
                    # A buffer may be one that the application fills again, and a view counts items, not bytes.
                    body = bytes(body)
                self.size += len(body)
                if self.size > self._limit:
                    parts.clear()
                    raise OSError(f"The response is longer than the {self._limit:,} bytes that Lambda takes.")
                parts.append(body)
            if not message.get("more_body"):
                self.body = parts[0] if len(parts) == 1 else b"".join(parts)
                self.complete = True
                if self._waiting:
                    self._wake()
        elif kind == "http.response.start":
            if self.status:
                raise RuntimeError("The application has sent http.response.start twice.")
            pairs = [*message.get("headers", ())]
            self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
            if len(self.headers) < len(pairs) or COOKIE in self.headers:
                self._repeat(pairs)
            self.status = int(message["status"])
        elif not kind.startswith("http.response."):
            raise RuntimeError(f"The application has sent {kind!r} to an HTTP request.")

    def _repeat(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """Takes headers of which some stand twice, or must not be joined."""
        texts = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)
        response = Response.of_pairs(self.status, texts)
        self.headers, self.repeats = response.headers, response.repeats

    def _wake(self) -> None:
        for end in self._waiting:
            if not end.done():
                end.set_result(None)
