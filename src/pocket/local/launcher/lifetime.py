"""When the launcher ends: on a signal, or with the process that started it.

The parent holds the other end of our standard input as long as it runs. The kernel closes it however the parent
ends; where a fork of the parent keeps it open, the id of our parent changes.
"""

from __future__ import annotations

import os
import select
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_SECONDS = 1.0


def read_settings_line(descriptor: int) -> bytes:
    """The first line of the parent's pipe; the rest is never read, only its end is waited for."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            raise EOFError("the parent closed the pipe before it sent the settings")
        line += byte
    return bytes(line)


def when_parent_ends(descriptor: int, stop: Callable[[], None]) -> None:
    """Call `stop`, from a thread, once the parent has closed its end of the pipe or has ended."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            readable, _, _ = select.select([descriptor], [], [], POLL_SECONDS)
            if readable and not os.read(descriptor, 1024):
                break
        stop()

    threading.Thread(target=watch, daemon=True, name="parent").start()
