"""Calls Django's asynchronous code from synchronous code, on one event loop and without another thread."""

from __future__ import annotations

from asyncio import CancelledError
from concurrent.futures import Executor
from contextvars import copy_context
from functools import wraps
from gc import get_referents
from typing import TYPE_CHECKING, Any

from asgiref.sync import AsyncToSync, async_to_sync

from pocket.asgi.loop import EventLoop
from pocket.errors import ResponseTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context

    from django.http import StreamingHttpResponse

_MISSING = object()


class Bridge:
    """Runs coroutines to their end; asgiref's async_to_sync would start a thread and a loop for each."""

    def __init__(self) -> None:
        self.loop = EventLoop()
        # asgiref looks here for the executor of thread-sensitive code.
        AsyncToSync.loop_thread_executors[self.loop.loop] = _ThisThread(self.loop)  # type: ignore[assignment]

    def synchronous(
        self, function: Callable[..., Coroutine[Any, Any, Any]], owner: Any, title: str = ""
    ) -> Callable[..., Any]:
        """A synchronous wrapper of `function`; `owner.time_limit`, read at each call, bounds its time.

        Context variables that it sets stay set, as with async_to_sync. `title` is its name in the log, by default the
        function's.
        """
        loop, title = self.loop, title or getattr(function, "__qualname__", repr(function))

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if loop.loop.is_running():
                return async_to_sync(function)(*args, **kwargs)
            before = copy_context()
            context = before.copy()
            try:
                return loop.run(function(*args, **kwargs), owner.time_limit, title, context)
            except CancelledError as error:
                raise RuntimeError(f"{title} was cancelled, but not by the deadline.") from error
            finally:
                # A context refers only to an immutable map; contexts in which nothing was set share it.
                maps = get_referents(before, context)
                if maps[0] is not maps[-1]:
                    _take_over(context)

        # functools.wraps copies the attribute by which older versions of asgiref recognize a coroutine function.
        call.__dict__.pop("_is_coroutine", None)
        del call.__wrapped__
        if hasattr(function, "__self__"):
            # Django logs the class of a middleware's method; async_to_sync sets this attribute as well.
            call.__self__ = function.__self__  # type: ignore[attr-defined]
        return call


def _take_over(context: Context) -> None:
    """Sets in the current context the variables that have another value in `context`."""
    for variable, value in context.items():
        if variable.get(_MISSING) is not value:
            variable.set(value)


async def gathered(response: StreamingHttpResponse, limit: int) -> bytes:
    """All parts of an asynchronous stream, joined; raises ResponseTooLarge over `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for part in response:
            chunks.append(part)
            size += len(part)
            if size > limit:
                raise ResponseTooLarge(size, limit)
    except BaseException:
        # Django closes iterators that have `close`, which an asynchronous generator does not have.
        if close := getattr(getattr(response, "_iterator", None), "aclose", None):
            await close()
        raise
    return b"".join(chunks)


class _ThisThread(Executor):
    """Runs submitted functions immediately, in the loop's thread, and returns futures of the loop that are done."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        loop = self._loop.loop
        return loop.completed(loop.call, function, *args, **kwargs)
