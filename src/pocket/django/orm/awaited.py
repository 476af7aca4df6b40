"""A call in another thread, awaited by one task of an event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Awaited(Generic[T]):
    """What a thread needs of a `concurrent.futures.Future`, without its conditions and callbacks: they would take twice
    the time of the change of threads itself, and leave the garbage collector twice as many objects.

    Made, cancelled and awaited in the loop; begun and ended in the thread.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[T] = self._loop.create_future()
        self._claim = threading.Lock()
        """Taken by the thread that begins the call, or by the loop that cancels it: by the first of them."""
        self._is_cancelled = False

    @property
    def waiter(self) -> asyncio.Future[T]:
        """To be awaited; another one after the awaiting task was cancelled, which cancels what it awaits."""
        if self._waiter.cancelled() and not self._is_cancelled:
            self._waiter = self._loop.create_future()
        return self._waiter

    def cancel(self) -> bool:
        """Cancels the call unless it has begun; returns whether it is cancelled."""
        if self._claim.acquire(blocking=False):
            self._is_cancelled = True
            self._waiter.cancel()
        return self._is_cancelled

    def set_running_or_notify_cancel(self) -> bool:
        """Whether the call is to be made."""
        return self._claim.acquire(blocking=False)

    def set_result(self, result: T) -> None:
        self._end(result, None)

    def set_exception(self, error: BaseException) -> None:
        self._end(None, error)

    def _end(self, *outcome: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(self._tell, *outcome)
        except RuntimeError:
            if not self._loop.is_closed():  # otherwise the task that waited is gone
                raise

    def _tell(self, result: Any, error: BaseException | None) -> None:
        if error is None:
            self.waiter.set_result(result)
        elif isinstance(error, StopIteration):  # which would end the coroutine that awaits it
            self.waiter.set_exception(RuntimeError("Synchronous code raised StopIteration."))
        else:
            self.waiter.set_exception(error)
