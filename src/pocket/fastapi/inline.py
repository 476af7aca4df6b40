"""Synchronous code in the thread of an event loop that waits for it.

Django refuses queries in a thread where a loop runs, rightly: they would hold up every other request. On the loop that
`pocket.asgi` owns there is one request at a time and nothing to hold up, and a change of threads would cost more than
most queries. asyncio and asgiref have no public way to say so; what they have is used here and nowhere else in this
room.
"""

from __future__ import annotations

import threading
from asyncio import events
from typing import TYPE_CHECKING, Any, TypeVar

from asgiref.sync import AsyncToSync

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from concurrent.futures import Executor

T = TypeVar("T")


def lends(loop: AbstractEventLoop) -> bool:
    """Whether `loop` serves one request at a time, so that it may wait for synchronous code: `pocket.asgi`'s does."""
    return hasattr(loop, "lent_to")


def call(loop: Any, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Calls `function` as if no loop ran in this thread. `loop` is the running one, and `lends`."""
    outer, loop.lent_to = loop.lent_to, threading.get_ident()
    events._set_running_loop(None)
    try:
        return function(*args, **kwargs)
    finally:
        events._set_running_loop(loop)
        loop.lent_to = outer


def serve(loop: Any, executor: Executor) -> None:
    """Makes asgiref run thread-sensitive code of `loop`, such as Django's asynchronous ORM, by `executor`; once."""
    if not hasattr(loop, "pocket_executor"):
        loop.pocket_executor = AsyncToSync.loop_thread_executors.setdefault(loop, executor)  # type: ignore[arg-type]
