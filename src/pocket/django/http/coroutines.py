"""Django's asynchronous code called from synchronous code, on one lasting loop and without another thread."""

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
    """Runs coroutines to their end where asgiref's async_to_sync would start a thread and a loop for each."""

    def __init__(self) -> None:
        self.loop = EventLoop()
        # asgiref asks here where code that needs "the same thread" belongs.
        AsyncToSync.loop_thread_executors[self.loop.loop] = _ThisThread(self.loop)  # type: ignore[assignment]

    def synchronous(
        self, function: Callable[..., Coroutine[Any, Any, Any]], owner: Any, title: str = ""
    ) -> Callable[..., Any]:
        """`function` as a synchronous one; `owner.time_limit`, read anew at each call, limits its time.

        The context variables that it sets stay set, as with async_to_sync. `title`, by default the function's name, is
        what the log calls it.
        """
        loop, title = self.loop, title or getattr(function, "__qualname__", repr(function))

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if loop.is_busy:
                return async_to_sync(function)(*args, **kwargs)
            before = copy_context()
            context = before.copy()
            try:
                return loop.run(function(*args, **kwargs), owner.time_limit, title, context)
            except CancelledError as error:
                raise RuntimeError(f"{title} was cancelled, and not by a deadline.") from error
            finally:
                # A context refers to nothing but an immutable map, and one in which nothing was set still to the same.
                maps = get_referents(before, context)
                if maps[0] is not maps[-1]:
                    _take_over(context)

        # functools.wraps copies the mark by which older asgiref knows a coroutine function.
        call.__dict__.pop("_is_coroutine", None)
        del call.__wrapped__
        if hasattr(function, "__self__"):
            # Django asks a middleware's method for its object, to name it; async_to_sync answers that, too.
            call.__self__ = function.__self__  # type: ignore[attr-defined]
        return call


def _take_over(context: Context) -> None:
    """Sets, in the current context, the variables that have another value in `context`."""
    for variable, value in context.items():
        if variable.get(_MISSING) is not value:
            variable.set(value)


async def gathered(response: StreamingHttpResponse, limit: int) -> bytes:
    """All parts of an asynchronous stream, joined; ResponseTooLarge as soon as there are over `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for part in response:
            chunks.append(part)
            size += len(part)
            if size > limit:
                raise ResponseTooLarge(size, limit)
    except BaseException:
        # A response closes what has a `close`; an asynchronous generator, left half-way, has none.
        if close := getattr(getattr(response, "_iterator", None), "aclose", None):
            await close()
        raise
    return b"".join(chunks)


class _ThisThread(Executor):
    """Runs what is submitted at once, in the thread of the loop, as if no loop ran there.

    The future that comes back is the loop's own and done, so that awaiting it does not even turn the loop.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        future = self._loop.loop.create_future()
        with self._loop.lend():
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001  (the awaiting code gets it, whatever it is)
                future.set_exception(error)
        return future
