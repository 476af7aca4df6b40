"""What a loop hands to another thread: a function to be called there, once or, if it is withdrawn in time, never."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Job(Protocol):
    """Called in a lane's thread with what is to be called when it is over; it raises nothing."""

    def __call__(self, after: Callable[[], None], /) -> None: ...

    def cancel(self) -> object:
        """Lets who waits know that it will never be done; call it before it has begun."""
        ...


class LoopJob:
    """A job that one coroutine of the running loop waits for; `error` is what the function has raised.

    What comes after it comes once the coroutine has gone on, for two threads that both have something to compute are in
    each other's way.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self.error: BaseException | None = None
        self._function = function
        self._result: Any = None
        self._unclaimed = [True]  # whoever pops, which is one thread only, decides
        self._over = False
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._after: Callable[[], None] | None = None

    def __call__(self, after: Callable[[], None], /) -> None:
        if not self.withdraw():
            after()
            return
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001  (the awaiting code gets it, whatever it is)
            self.error = error
        try:
            self._loop.call_soon_threadsafe(self._tell, after)
        except RuntimeError:  # the loop was closed meanwhile: nobody waits
            after()

    def withdraw(self) -> bool:
        """Whether it had not begun, and now never will."""
        try:
            return self._unclaimed.pop()
        except IndexError:
            return False

    def cancel(self) -> None:
        if self.withdraw():
            self.error = asyncio.CancelledError()
            self._tell()

    async def wait(self) -> None:
        """Until the function has ended."""
        if not self._over:
            self._waiter = self._loop.create_future()
            await self._waiter

    def rest(self) -> bool:
        """Whether what comes after it was called only now; the loop does so by itself in its next turn."""
        after, self._after = self._after, None
        if after is None:
            return False
        after()
        return True

    def result(self) -> Any:
        """What the function has returned; what it has raised is raised, once."""
        error, self.error = self.error, None
        if error is None:
            return self._result
        try:
            raise error
        finally:
            del error  # it refers to this frame

    def _tell(self, after: Callable[[], None] | None = None) -> None:
        self._over = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if after is not None:
            self._after = after
            self._loop.call_soon(self.rest)


class FutureJob:
    """A job whose outcome is told to a concurrent `future`, as an Executor's is."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.future: Future[Any] = Future()
        self._function = function

    def __call__(self, after: Callable[[], None], /) -> None:
        if not self.future.set_running_or_notify_cancel():
            after()
            return
        try:
            result = self._function()
        except BaseException as error:  # noqa: BLE001  (the awaiting code gets it, whatever it is)
            self.future.set_exception(error)
            self = None  # type: ignore[assignment]  # noqa: PLW0642  (the error refers to this frame)
        else:
            self.future.set_result(result)
        after()

    def cancel(self) -> bool:
        return self.future.cancel()
