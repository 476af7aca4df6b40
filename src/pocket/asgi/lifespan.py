"""The lifespan of an application: started once in each environment, in a task that runs across invocations."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from pocket.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pocket.asgi.loop import EventLoop

    Application = Callable[[Any, Any, Any], Awaitable[None]]


_PATIENCE = 2.0
"""Seconds that an application has for its shutdown."""


class LifespanFailed(RuntimeError):
    """The application's start-up or shutdown failed; the message includes the application's."""


class Lifespan:
    """The lifespan protocol of one application; `state` is the state that its start-up stored in the scope."""

    def __init__(self, app: Application, loop: EventLoop) -> None:
        self.app = app
        self.loop = loop
        self.state: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._received = False

    def start(self) -> bool:
        """Runs the start-up; returns False for an application without support for the protocol.

        In the ASGI specification, that is one that raises before it receives the first message. Raises LifespanFailed.
        """
        return self.loop.run(self._start(), title="lifespan start-up", lasting=True)

    def stop(self) -> None:
        """Runs the shutdown, if the start-up ran; an application that does not end in time is cancelled."""
        if self._task is not None and not self._task.done():
            with contextlib.suppress(DeadlineExceeded):
                self.loop.run(self._stop(self._task), _PATIENCE, "lifespan shutdown")

    async def _start(self) -> bool:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        self._task = task = asyncio.ensure_future(self._serve(scope))
        message = await self._answer(task, "lifespan.startup")
        if message is None:
            error = task.exception()
            if self._received and error is not None:
                raise LifespanFailed("The application's lifespan raised an exception at start-up.") from error
            return False
        if message["type"] == "lifespan.startup.failed":
            task.cancel()
            await asyncio.wait({task}, timeout=_PATIENCE)
            raise LifespanFailed(f"The application's start-up failed: {message.get('message') or 'no reason given'}")
        return True

    async def _stop(self, task: asyncio.Task[None]) -> None:
        message = await self._answer(task, "lifespan.shutdown")
        if message is not None and message["type"] == "lifespan.shutdown.failed":
            raise LifespanFailed(f"The application's shutdown failed: {message.get('message') or 'no reason given'}")

    async def _answer(self, task: asyncio.Task[None], kind: str) -> dict[str, Any] | None:
        """The application's answer to a message of this type; None where it ended without one."""
        self._inbox.put_nowait({"type": kind})
        answer = asyncio.ensure_future(self._outbox.get())
        await asyncio.wait({answer, task}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None

    async def _serve(self, scope: dict[str, Any]) -> None:
        await self.app(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        self._received = True
        return await self._inbox.get()

    async def _send(self, message: dict[str, Any]) -> None:
        self._outbox.put_nowait(message)
