"""A request's synchronous work, queries above all: on one thread, one connection, between Django's request signals.

On `pocket.asgi`'s loop, which serves one request at a time, it is done in place, in the thread of the loop; under a
server on a worker of the thread pool. A request that never comes near Django costs neither thread nor signals.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CancelScope
from asgiref.sync import ThreadSensitiveContext
from django.conf import settings

from pocket.asgi.loop import blockable
from pocket.django.configuration.databases import begin, is_settled, settle
from pocket.django.http.request_signals import RequestSignals
from pocket.django.orm.awaited import Awaited
from pocket.django.orm.relations import Probe
from pocket.django.orm.threads import ASIDE, ENDED, POOL, Lease
from pocket.fastapi.internals import serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pocket.django.orm.threads import ThreadPool

T = TypeVar("T")

logger = logging.getLogger("pocket.fastapi")

request_work: ContextVar[Work | None] = ContextVar("pocket_request_work", default=None)
"""The work of the request that this code belongs to, also after its end."""


class Work:
    """The work of one request, with its ASGI scope, or outside requests."""

    run: Callable[..., Awaitable[Any]]
    """What a function returns, called where queries are allowed. A caller that is cancelled once the call has begun
    still gets it, and is cancelled where it waits next: what is acquired, such as a transaction, is released."""

    _outer: Mapping[str, int]
    _probe: Probe | None = None

    def __init__(self, scope: Any = None) -> None:
        self.scope = scope
        self.ended = self._begun = False

    async def around(self, awaitable: Awaitable[T]) -> T:
        """What `awaitable` gives, then the end. Meanwhile this is `current()`, and asgiref's thread-sensitive code,
        which is Django's asynchronous ORM, runs in its thread."""
        token = request_work.set(self)
        try:
            return await awaitable
        finally:
            request_work.reset(token)
            self.end()

    def end(self) -> None:
        """Ends the work after the calls that were submitted before."""
        self.ended = True

    def _call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Calls `function` in the work's own thread, after the start's signals."""
        if not self._begun:
            self._begin()
        return function(*args, **kwargs)

    def _begin(self) -> None:
        self._begun = True
        self._outer = begin()
        if self.scope is not None:
            _SIGNALS.start(scope=self.scope)
            if settings.DEBUG:
                self._probe = Probe(f"{self.scope['method']} {self.scope['path']}")
                self._probe.attach()

    def _finish(self) -> None:
        """Sends the end's signals, and resets the connections."""
        if not self._begun:
            return
        try:
            if self._probe is not None:
                self._probe.detach()
            if self.scope is not None:
                _SIGNALS.finish()
        except Exception:
            logger.exception("A receiver of request_finished failed.")
        finally:
            settle(self._outer, closes=True)


_SIGNALS = RequestSignals(Work)


class WorkInPlace(Work):
    """Work in the thread of the loop, which waits for it."""

    def __init__(self, loop: Any, scope: Any = None) -> None:
        self.scope = scope
        self.ended = self._begun = False
        self._loop = loop
        loop.work = self  # which ends it where the deadline does not stop the coroutine

    async def run(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        result: T = self.run_now(copy_context().run, function, *args, **kwargs)
        return result

    def run_now(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if self.ended:
            raise RuntimeError(ENDED)
        return self._loop.call(self._call, function, *args, **kwargs)

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            self._loop.work = None
            if self._begun:
                self._loop.call(self._finish)


class _InPlace(Executor):
    """Runs asgiref's thread-sensitive code in the request's work; a lifespan's has a thread of its own."""

    _others = ThreadPoolExecutor(1, "pocket-others")

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """A future: in a request the loop's own, and done already, so that awaiting it does not even turn the loop."""
        work = request_work.get()
        if not isinstance(work, WorkInPlace):
            return self._others.submit(function, *args, **kwargs)
        loop: Any = asyncio.get_running_loop()
        return loop.completed(work.run_now, function, *args, **kwargs)


class WorkInThread(Work, Lease):
    """Work on a thread of `pool`, from the first call to the end."""

    _is_cancelled = False

    def __init__(self, scope: Any = None, pool: ThreadPool = POOL) -> None:
        Work.__init__(self, scope)
        Lease.__init__(self, pool)

    async def around(self, awaitable: Awaitable[T]) -> T:
        async with ThreadSensitiveContext(executor=self):
            return await super().around(awaitable)

    def _call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        self._is_left_open = True
        result = super()._call(function, *args, **kwargs)
        self._is_left_open = self._probe is not None or not (_SIGNALS.is_finished() and is_settled())
        return result

    def end(self) -> None:
        self.ended = True
        self.close()

    async def run(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        is_exit = getattr(function, "__name__", "") == "__exit__"  # a context that was entered is always left
        if self._is_cancelled and not is_exit:
            self._is_cancelled = False
            await asyncio.sleep(0)
        call: Awaited[T] = self._enqueue(Awaited(), copy_context().run, function, *args, **kwargs)
        try:
            return await call.waiter
        except asyncio.CancelledError as cancelled:
            if not is_exit and call.cancel():
                raise
            return await self._outlast(call.waiter, cancelled)

    async def _outlast(self, waiter: asyncio.Future[T], cancelled: asyncio.CancelledError) -> T:
        """The result of a call that had begun when its caller was cancelled; then the cancellation is raised again."""
        with CancelScope(shield=True):
            while not waiter.done():
                try:
                    await asyncio.wait({waiter})
                except asyncio.CancelledError as again:
                    cancelled = again
        error = waiter.exception()
        if error is not None:
            _report(error, self.scope)
            raise cancelled
        self._is_cancelled = True
        task: Any = asyncio.current_task()
        task.uncancel()
        task.cancel(*cancelled.args)
        return waiter.result()


def _report(error: BaseException, scope: Any) -> None:
    """Logs an exception that would have been a 500 if its request had not been cancelled."""
    handled = getattr((scope or {}).get("app"), "exception_handlers", {}).keys() - {Exception}
    if isinstance(error, Exception) and not handled & {*type(error).__mro__}:
        what = f"{scope['method']} {scope['path']}" if scope else "A task"
        logger.error("%s failed after it was cancelled.", what, exc_info=error)


_OF_WEBSOCKETS = Work()
_OF_WEBSOCKETS.end()


def current() -> Work | None:
    """The work of the request that this code belongs to; None outside of requests and after their end."""
    work = request_work.get()
    return work if work is not None and not work.ended else None


def new(scope: Any = None) -> Work:
    """Work for the request of `scope`: in place, where the running loop can wait and has no other in place. That
    of a WebSocket, which may last for hours, has ended: each of its calls is by itself."""
    if scope is not None and scope["type"] == "websocket":
        return _OF_WEBSOCKETS
    loop = blockable()
    if loop is None or loop.work is not None:
        return WorkInThread(scope)
    if not loop.is_known_to_asgiref:
        loop.is_known_to_asgiref = True
        serve(loop, _InPlace())
    return WorkInPlace(loop, scope)


async def run(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """The result of `function`, called where queries are allowed: in the request's work, or in work of its own."""
    work = current()
    if work is not None:
        result: T = await work.run(function, *args, **kwargs)
        return result
    own = new()
    return await own.around(own.run(function, *args, **kwargs))


async def run_aside(function: Callable[..., T], /, *args: Any) -> T:
    """As `run`, for what many requests wait for: on a thread that none of them has; in place, in the request's work."""
    if blockable() is not None:
        return await run(function, *args)
    own = WorkInThread(None, ASIDE)
    return await own.around(own.run(function, *args))
