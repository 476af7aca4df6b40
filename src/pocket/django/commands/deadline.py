"""Stops a management command before Lambda's deadline, so that it can clean up and the log shows the reason."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

RESERVE = 2.0
"""Seconds before the deadline at which a command is stopped, or a tenth of the remaining time if that is less."""

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

    Lambda runs a handler in the main thread, the only one that a signal reaches. In any other thread, and inside a
    call that does not return to Python, the deadline is Lambda's own.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_arguments: object) -> None:
        raise DeadlineReached(f"Stopped after {seconds:.1f} seconds: the function has no time left.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
