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
from abc import ABC, abstractmethod
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CancelScope
from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.db import close_old_connections, reset_queries
from starlette.responses import JSONResponse, Response

from pocket.fastapi import inline, notices
from pocket.fastapi.jobs import FutureJob, LoopJob
from pocket.fastapi.lanes import ASIDE, LANES
from pocket.fastapi.relations import Probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from pocket.fastapi.jobs import Job
    from pocket.fastapi.lanes import Lane, Lanes

T = TypeVar("T")

logger = logging.getLogger("pocket.fastapi")

_current: contextvars.ContextVar[Work | None] = contextvars.ContextVar("pocket_work", default=None)


class Work(ABC):
    """The work of one request, whose ASGI scope is `scope`; None for work outside of a request.

    Inside of it, as an asynchronous context manager, it is `current()`, and asgiref's thread-sensitive code, which is
    Django's asynchronous ORM, runs in its thread.
    """

    inline = False
    alone = False
    """Whether an endpoint is all of the request that comes near Django: no dependency before, no task after it."""

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

    @abstractmethod
    async def run(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """What `function` returns, called where queries are allowed."""

    async def run_to_end(self, function: Callable[..., T], /, *args: Any) -> T:
        """As `run`, and not to be kept from it by a cancellation."""
        with CancelScope(shield=True):
            result = await self.run(function, *args)
        return result  # noqa: RET504  (a scope that might swallow an exception comes before it)

    @abstractmethod
    def finish(self) -> None:
        """Ends the work; what was handed over before is done first."""

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
        self._lane: Lane | None = None
        self._pending: list[Job] = []
        self._asked = False
        self._handed = self._open = 0
        self._leaves_early = False
        self._last: LoopJob | None = None

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
        job = LoopJob(partial(self.call, contextvars.copy_context().run, function, *args, **kwargs))
        self._last = job
        self._hand_over(job)
        try:
            await job.wait()
        except asyncio.CancelledError:
            if not job.withdraw():
                with CancelScope(shield=True):
                    await job.wait()
                _report(job.error, scope)
            raise
        result: T = job.result()
        return result

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        job = FutureJob(partial(self.call, function, *args, **kwargs))
        self._hand_over(job)
        return job.future

    def call_last(self, function: Callable[..., Response], /, *args: Any) -> Response:
        """As `call`, for what is most likely the request's last: the end's signals are sent in the same breath.

        Should more follow, such as the exit of a dependency, its connections are checked and released, without signals.
        An endpoint that is `alone` gives the lane back, too, unless its response may still query.
        """
        response = None
        try:
            response = function(*args)
        finally:
            self._end_safely()
            self._begun, self.scope, self._probe = False, None, None
        self._leaves_early = self.alone and self._handed == 1 and type(response) in _WHOLE and not response.background
        return response

    def move_in(self, lane: Lane) -> None:
        """Takes the lane, and does there what has waited for it."""
        with self._lock:
            self._lane = lane
            pending, self._pending = self._pending, []
            for job in pending:
                lane.put(partial(job, self._rest))

    def finish(self) -> None:
        self.finished = True
        if self._last is not None and self._last.rest():
            return
        with self._lock:
            lane = self._lane
            if self._open and lane is not None:
                return  # the end of the last job sees to the rest
            if lane is not None and self._begun:
                self._lanes.resume()
                lane.put(self._leave)
                return
        if lane is not None:
            self._lanes.give_back(lane, rests=False)
        elif self._asked and self._lanes.withdraw(self):
            for job in self._pending:
                job.cancel()

    def _hand_over(self, job: Job) -> None:
        with self._lock:
            if self.finished:
                raise RuntimeError("The request has ended: a task that outlives it cannot query on its connection.")
            self._handed += 1
            self._open += 1
            self._leaves_early = False
            if self._lane is not None:
                if self._open == 1:
                    self._lanes.resume()
                self._lane.put(partial(job, self._rest))
                return
            self._pending.append(job)
            asked, self._asked = self._asked, True
        if not asked:
            self._lanes.lease(self)

    def _rest(self) -> None:
        """Ends a job: with the last one the turn ends, and the lease where nothing can follow."""
        with self._lock:
            self._open -= 1
            lane = self._lane
            if self._open or lane is None:
                return
            leaves = self.finished or self._leaves_early
            if leaves and self._begun:
                lane.put(self._leave)
                return
            if leaves:
                self._lane, self._asked = None, False
        self._lanes.give_back(lane if leaves else None)

    def _leave(self) -> None:
        """Ends the work in the lane's thread."""
        try:
            self._end_safely()
        finally:
            with self._lock:
                lane, self._lane, self._asked = self._lane, None, False
            self._lanes.give_back(lane)

    def _end_safely(self) -> None:
        try:
            self._end()
        except Exception:
            logger.exception("A receiver of request_finished failed.")


_WHOLE = frozenset({Response, JSONResponse})
"""Responses that have nothing to look up once they are made."""


def _report(error: BaseException | None, scope: Any) -> None:
    """Logs what nobody is left to be told: a failure that would have been a 500, once its request was cancelled."""
    handlers = getattr(scope.get("app"), "exception_handlers", {}) if scope is not None else {}
    kinds = set(type(error).__mro__) - {Exception}
    if isinstance(error, Exception) and not kinds & handlers.keys():
        title = f"{scope['method']} {scope['path']}" if scope is not None else "A task"
        logger.error("%s failed after it was cancelled.", title, exc_info=error)


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
