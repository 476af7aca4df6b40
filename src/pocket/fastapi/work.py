"""Where a request's synchronous work, queries above all, is done: on one thread, from its first query to its end.

On `pocket.asgi`'s loop, where one request runs at a time, that is the thread of the loop itself; elsewhere a lane is
leased at the first query. Django's request signals are sent around the work, once, in that thread: they close what is
too old and reset the log of queries. A request that never comes near Django costs neither.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CancelScope
from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.db import close_old_connections, reset_queries

from pocket.fastapi import inline, notices
from pocket.fastapi.lanes import ASIDE, LANES
from pocket.fastapi.relations import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.fastapi.lanes import Lanes

T = TypeVar("T")

logger = logging.getLogger("pocket.fastapi")

_current: contextvars.ContextVar[Work | None] = contextvars.ContextVar("pocket_work", default=None)


class Work:
    """The work of one request, whose ASGI scope is `scope`; None for work outside of a request.

    Inside of it, as an asynchronous context manager, it is `current()`, and asgiref's thread-sensitive code, which is
    Django's asynchronous ORM, runs in its thread.
    """

    inline = False

    def __init__(self, scope: Any = None) -> None:
        self.scope = scope
        self.finished = False
        self._begun = False
        self._probe: Probe | None = None
        self._token: contextvars.Token[Work | None] | None = None

    async def __aenter__(self) -> Work:
        self._token = _current.set(self)
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
        self.finish()

    async def run(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """What `function` returns, called where queries are allowed."""
        raise NotImplementedError

    async def run_to_end(self, function: Callable[..., T], /, *args: Any) -> T:
        """As `run`, and not to be kept from it by a cancellation."""
        with CancelScope(shield=True):
            result = await self.run(function, *args)
        return result  # noqa: RET504  (a scope that might swallow an exception comes before it)

    def finish(self) -> None:
        """Ends the work; what was handed over before is done first."""
        raise NotImplementedError

    def call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Calls `function` in the work's own thread, after the start's signals."""
        if not self._begun:
            self._begin()
        return function(*args, **kwargs)

    def _begin(self) -> None:
        self._begun = True
        if self.scope is None:
            close_old_connections()
            reset_queries()
            return
        notices.started(Work, self.scope)
        if settings.DEBUG:
            self._probe = Probe(f"{self.scope['method']} {self.scope['path']}")
            self._probe.attach()

    def _end(self) -> None:
        if not self._begun:
            return
        try:
            if self._probe is not None:
                self._probe.detach()
        finally:
            if self.scope is None:
                close_old_connections()
            else:
                notices.finished(Work)


class InlineWork(Work):
    """Work in the thread of the loop."""

    inline = True

    def __init__(self, loop: asyncio.AbstractEventLoop, scope: Any = None) -> None:
        super().__init__(scope)
        self.loop = loop
        inline.serve(loop, _INLINE)

    async def run(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        result: T = inline.call(self.loop, self.call, function, *args, **kwargs)
        return result

    def run_now(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """As `run`, without a coroutine in between."""
        result: T = inline.call(self.loop, self.call, function, *args, **kwargs)
        return result

    def finish(self) -> None:
        self.finished = True
        if self._begun:
            inline.call(self.loop, self._end)


class _Inline(Executor):
    """Runs what asgiref submits at once, in the thread of the loop, within the current work."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """A future of the loop, done already, so that awaiting it does not even turn the loop."""
        loop = asyncio.get_running_loop()
        work = current() or InlineWork(loop)
        future = loop.create_future()
        try:
            future.set_result(inline.call(loop, work.call, function, *args, **kwargs))
        except BaseException as error:  # noqa: BLE001  (the awaiting code gets it, whatever it is)
            future.set_exception(error)
        return future


_INLINE = _Inline()


class ThreadWork(Work, Executor):
    """Work on a lane that is leased when it is first needed and given back when all is done."""

    def __init__(self, scope: Any = None, lanes: Lanes = LANES) -> None:
        super().__init__(scope)
        self._lanes = lanes
        self._sensitive = ThreadSensitiveContext(executor=self)
        self._lock = threading.Lock()
        self._lane: Executor | None = None
        self._open = 0
        self._asked = False
        self._pending: list[tuple[Future[Any], Callable[[], Any]]] = []

    async def __aenter__(self) -> Work:
        await self._sensitive.__aenter__()  # type: ignore[no-untyped-call]
        return await super().__aenter__()

    async def __aexit__(self, *failure: object) -> None:
        try:
            await self._sensitive.__aexit__(*failure)  # type: ignore[no-untyped-call]
        finally:
            await super().__aexit__(*failure)

    async def run(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """As Work's; a cancelled caller waits until its function has ended, as AnyIO's threads have it."""
        scope = self.scope
        handed = self.submit(contextvars.copy_context().run, function, *args, **kwargs)
        try:
            await _ended(handed)
        except asyncio.CancelledError:
            if not handed.cancel():
                with CancelScope(shield=True):
                    await _ended(handed)
                _report(handed.exception(), scope)
            raise
        if handed.cancelled():
            raise asyncio.CancelledError
        result: T = handed.result()
        return result

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        with self._lock:
            if self.finished:
                raise RuntimeError("The request has ended: a task that outlives it cannot query on its connection.")
            self._open += 1
            if self._lane is not None:
                return self._lane.submit(self._job, function, *args, **kwargs)
            future: Future[Any] = Future()
            self._pending.append((future, lambda: self._job(function, *args, **kwargs)))
            asked, self._asked = self._asked, True
        if not asked:
            self._lanes.lease(self)
        return future

    def _job(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.call(function, *args, **kwargs)
        finally:
            with self._lock:
                self._open -= 1

    def call_last(self, function: Callable[..., T], /, *args: Any) -> T:
        """As `call`, for what is most likely the request's last: the end's signals are sent in the same breath.

        Should more follow, such as the exit of a dependency, its connections are checked and released, without signals.
        """
        try:
            return function(*args)
        finally:
            self._end_safely()
            self._begun, self.scope, self._probe = False, None, None

    def move_in(self, lane: Executor) -> None:
        """Takes the lane, and does there what has waited for it."""
        with self._lock:
            self._lane = lane
            pending, self._pending = self._pending, []
            for future, job in pending:
                lane.submit(_fulfil, future, job)
            if self.finished:
                lane.submit(self._leave, lane)

    def finish(self) -> None:
        with self._lock:
            self.finished = True
            lane = self._lane
            if lane is not None and (self._open or self._begun):
                lane.submit(self._leave, lane)
                return
        if lane is not None:
            self._lanes.give_back(lane)
            return
        if self._asked and self._lanes.withdraw(self):
            for future, _ in self._pending:
                future.cancel()

    def _leave(self, lane: Executor) -> None:
        try:
            self._end_safely()
        finally:
            self._lanes.give_back(lane)

    def _end_safely(self) -> None:
        try:
            self._end()
        except Exception:
            logger.exception("A receiver of request_finished failed.")


def _ended(handed: Future[Any]) -> asyncio.Future[None]:
    """A future of the running loop that is done when `handed` is; it holds neither result nor exception."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def tell(_: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
            loop.call_soon_threadsafe(_settle, ended)

    handed.add_done_callback(tell)
    return ended


def _settle(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)


def _report(error: BaseException | None, scope: Any) -> None:
    """Logs what nobody is left to be told: a failure that would have been a 500, once its request was cancelled."""
    handlers = getattr(scope.get("app"), "exception_handlers", {}) if scope is not None else {}
    kinds = set(type(error).__mro__) - {Exception}
    if isinstance(error, Exception) and not kinds & handlers.keys():
        title = f"{scope['method']} {scope['path']}" if scope is not None else "A task"
        logger.error("%s failed after it was cancelled.", title, exc_info=error)


def _fulfil(future: Future[Any], job: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(job())
    except BaseException as error:  # noqa: BLE001  (the awaiting code gets it, whatever it is)
        future.set_exception(error)


def current() -> Work | None:
    """The work of the request that this code belongs to, None outside of requests and after their end."""
    work = _current.get()
    return work if work is not None and not work.finished else None


def new(scope: Any = None) -> Work:
    """Work for the request of `scope`, of the kind that the running loop allows."""
    loop = asyncio.get_running_loop()
    return InlineWork(loop, scope) if inline.lends(loop) else ThreadWork(scope)


def aside() -> Work:
    """Work that waits for no request and that no request's transaction is seen by; inline, where all is one thread,
    work like any other."""
    loop = asyncio.get_running_loop()
    return InlineWork(loop) if inline.lends(loop) else ThreadWork(None, ASIDE)
