"""The stacks of suspended tasks and blocked threads, as text for a log."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import traceback
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from types import FrameType

_MOST_FRAMES = 12
_WAITING = {"queue.py", "threading.py"}
_POOLS = ("concurrent/futures/thread.py", "anyio/_backends/_asyncio.py")


def describe(loop: asyncio.AbstractEventLoop, first: asyncio.Task[Any], known: Container[asyncio.Task[Any]]) -> str:
    """The stacks of `first`, of the other pending tasks of `loop` that are not `known`, and of busy threads."""
    others = [task for task in asyncio.all_tasks(loop) if task is not first and task not in known]
    lines: list[str] = []
    for task in (first, *others):
        lines.append(f"task {task.get_name()}:")
        lines.extend(_indented(list(_awaited(task))[-_MOST_FRAMES:]))
    for thread in threading.enumerate():
        frame = sys._current_frames().get(thread.ident or 0)
        if thread is threading.current_thread() or frame is None or _is_idle(frame):
            continue
        lines.append(f"thread {thread.name}:")
        lines.extend(_indented(traceback.extract_stack(frame)[-_MOST_FRAMES:]))
    return "\n".join(lines)


def place_of(task: asyncio.Task[Any]) -> str:
    """The innermost frame in which `task` is suspended: function, file and line."""
    frames = list(_awaited(task))
    return _line(frames[-1]) if frames else repr(task.get_coro())


def _indented(frames: Any) -> Iterator[str]:
    return (f"    {_line(frame)}" for frame in frames)


def _line(frame: traceback.FrameSummary) -> str:
    return f"{frame.name} ({frame.filename}:{frame.lineno})"


def _awaited(task: asyncio.Task[Any]) -> Iterator[traceback.FrameSummary]:
    """Frames of the chain of awaits, outermost first, as far as it is written in Python."""
    awaitable: Any = task.get_coro()
    while awaitable is not None:
        kind = _kind(awaitable)
        if kind is None:
            # The awaitable of an asynchronous generator's step has no attribute for its generator.
            awaitable = next(filter(_kind, gc.get_referents(awaitable)), None)
            continue
        frame = getattr(awaitable, f"{kind}_frame")
        if frame is not None:
            yield traceback.FrameSummary(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname)
        awaitable = getattr(awaitable, _LINKS[kind])


_LINKS = {"cr": "cr_await", "gi": "gi_yieldfrom", "ag": "ag_await"}


def _kind(awaitable: Any) -> str | None:
    return next((kind for kind in _LINKS if hasattr(awaitable, f"{kind}_frame")), None)


def _is_idle(frame: FrameType | None) -> bool:
    """Whether a thread of a pool waits for work."""
    while frame is not None and PurePath(frame.f_code.co_filename).name in _WAITING:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.endswith(_POOLS)
