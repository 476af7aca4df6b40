"""Stops a management command before Lambda's deadline, so that it can clean up and the log shows the reason."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from asgiref.sync import AsyncToSync

from pocket.asgi.stacks import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_loops = AsyncToSync.loop_thread_executors
"""The loops that run for async_to_sync, each in a thread of its own: that of an asynchronous task, for instance."""

RESERVE = 2.0
"""Seconds before the deadline at which a command is stopped, or a tenth of the remaining time if that is less."""

_INTERVAL = 0.01
"""Seconds between two looks at what should end."""

STOPPED = 124
"""The exit status of a command that was stopped: that of `timeout` in a shell."""


class DeadlineReached(KeyboardInterrupt):
    """The function has no time left. A command sees it as Ctrl-C, at which database drivers cancel their statement."""


class Context(Protocol):
    """The used part of Lambda's context object."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


def seconds_left(context: Context) -> float:
    """Seconds that a command may take from now."""
    left = context.get_remaining_time_in_millis() / 1000
    return left - min(RESERVE, left / 10)


@contextmanager
def stopping(seconds: float | None) -> Iterator[None]:
    """Raises DeadlineReached in the block once `seconds` are over; never if they are None.

    Coroutines of async_to_sync are cancelled then, too: in the next invocation they would go on. Lambda runs a handler
    in the main thread, the only one that a signal reaches. In any other thread, and inside a call that does not return
    to Python, the deadline is Lambda's own.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    others, loops = set(_loops), set[asyncio.AbstractEventLoop]()
    grace = max(min(RESERVE, seconds / 9) / 2, _INTERVAL)
    end, inside = 0.0, True

    def stop(*_arguments: object) -> None:
        nonlocal end
        if not inside:
            return
        if not end:
            end = time.monotonic() + grace
            loops.update(_loops.keys() - others)  # asgiref forgets a loop before its tasks have ended
            if loops:
                # The exception may go to a coroutine that awaits this code, and this thread then waits for the loop.
                signal.setitimer(signal.ITIMER_REAL, grace, max(grace / 8, _INTERVAL))
        raise DeadlineReached(f"Stopped after {seconds:.1f} seconds: the function has no time left.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        inside = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if end:
            # Pocket's own loops stay, and run only while this thread is inside of them.
            _end_loops([loop for loop in loops.union(_loops) - others if loop.is_running()], end)


def _end_loops(loops: Collection[asyncio.AbstractEventLoop], end: float) -> None:
    """Cancels the loops' tasks, shows where they were, and waits until the loops are closed.

    After `end`, on the monotonic clock, a loop is stopped, so that no task goes on that ignores its cancellation. One
    that does not let its loop run blocks this thread, until Lambda ends the function.
    """
    for loop in loops:
        _soon(loop, _cancel, loop)
    while running := [loop for loop in loops if not loop.is_closed()]:
        if time.monotonic() > end:
            for loop in running:
                _soon(loop, loop.stop)
        time.sleep(_INTERVAL)


def _soon(loop: asyncio.AbstractEventLoop, *call: Callable[..., object] | object) -> None:
    with suppress(RuntimeError):  # the loop is closed by now
        loop.call_soon_threadsafe(*call)  # type: ignore[arg-type]  # a function and its arguments


def _cancel(loop: asyncio.AbstractEventLoop) -> None:
    tasks = list(asyncio.all_tasks(loop))
    if tasks:
        sys.stderr.write(f"Cancelled at:\n{describe(loop, tasks[0], ())}\n")
    for task in tasks:
        task.cancel()
