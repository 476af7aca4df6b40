"""One request and response as ASGI's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.lambda_http.response import COOKIE, Response

if TYPE_CHECKING:
    import asyncio


class Exchange:
    """`receive` and `send` of a request whose body is whole from the start and whose response is collected."""

    __slots__ = (
        "_body",
        "_chunks",
        "_headers",
        "_limit",
        "_loop",
        "_status",
        "_waiting",
        "complete",
        "size",
    )

    def __init__(self, body: bytes, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        self._body: bytes | None = body
        self._limit = limit
        self._loop = loop
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._waiting: tuple[asyncio.Future[None], ...] = ()
        self.complete = False
        self.size = 0
        """Bytes of body that the application has sent so far; over the limit no more are kept."""

    async def receive(self) -> dict[str, Any]:
        """The body, in one message; after that `http.disconnect`, but not before the response is complete."""
        body = self._body
        if body is not None:
            self._body = None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.complete:
            # Each its own: who gives up waiting cancels what it waits for.
            end = self._loop.create_future()
            self._waiting += (end,)
            await end
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Takes the response's start and body; RuntimeError for messages out of order, OSError past Lambda's limit."""
        kind = message["type"]
        if kind == "http.response.body":
            if not self._status or self.complete:
                raise RuntimeError("The application has sent http.response.body before the start or after the end.")
            if body := message.get("body"):
                self._keep(body)
            if not message.get("more_body"):
                self.complete = True
                if self._waiting:
                    self._wake()
        elif kind == "http.response.start":
            if self._status:
                raise RuntimeError("The application has sent http.response.start twice.")
            self._status = int(message["status"])
            self._headers = list(message.get("headers", ()))
        elif not kind.startswith("http.response."):
            raise RuntimeError(f"The application has sent {kind!r} to an HTTP request.")

    def _wake(self) -> None:
        for end in self._waiting:
            if not end.done():
                end.set_result(None)

    def _keep(self, body: bytes) -> None:
        self.size += len(body)
        if self.size > self._limit:
            self._chunks.clear()
            raise OSError(f"The response is longer than the {self._limit:,} bytes that Lambda takes.")
        self._chunks.append(body)

    def response(self) -> Response:
        """What was sent, once it is `complete`."""
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._headers}
        if len(headers) == len(self._headers) and COOKIE not in headers:
            return Response(self._status, headers, body)
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers]
        return Response.of_pairs(self._status, pairs, body)
