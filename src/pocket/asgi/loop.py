"""The event loop of an environment: one for all invocations, run only while there is work.

Lambda sends an environment one invocation at a time and freezes it in between, so the loop does not run all the time:
the first step of a coroutine runs directly, and the loop runs only if the coroutine suspends.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import weakref
from asyncio import Task, events
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar

from pocket.asgi.stacks import describe, place_of
from pocket.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context

T = TypeVar("T")

logger = logging.getLogger("pocket.http")

_get_running_loop = events._get_running_loop
_set_running_loop = events._set_running_loop
_STARTS_EAGERLY = sys.version_info >= (3, 12)
_GRACE = 0.2
"""Seconds that a cancelled task has to end; after that it is abandoned."""

MARGIN = 0.5
"""Seconds before Lambda's deadline at which work is cancelled."""

_TURNS = 100
"""Iterations of the loop at the end of an invocation, for scheduled callbacks and those that they schedule."""


class _Loop(asyncio.SelectorEventLoop):
    """A loop that counts as running during a coroutine's first step, which is outside of `run_forever`.

    Synchronous code in the loop's thread would wait for ever for what it schedules on the loop, which does not run
    meanwhile. `call_soon_threadsafe` refuses such calls; asgiref then uses another loop.
    """

    def __init__(self) -> None:
        # Python reads an attribute faster where its class has none of that name.
        self.stepping = False
        self.lent_to: int | None = None
        """The thread that runs synchronous code while the loop waits."""
        self.is_known_to_asgiref = False
        self.work: Any = None
        """What the coroutine that runs has begun; its `end()` is called at the coroutine's end, also if abandoned."""
        self.is_due = False
        self._own_thread = threading.get_ident()
        super().__init__()

    def is_running(self) -> bool:
        return self.stepping or super().is_running()

    def call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Calls `function` in the loop's thread, in which no loop counts as running meanwhile; returns its result."""
        outer, self.lent_to = self.lent_to, self._own_thread
        running = _get_running_loop()
        _set_running_loop(None)
        try:
            return function(*args, **kwargs)
        finally:
            _set_running_loop(running)
            self.lent_to = outer

    def completed(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        """Calls `function` now; returns a future of this loop that is done, so that `await` does not suspend."""
        future = self.create_future()
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  (the code that awaits the future gets every exception)
            future.set_exception(error)
        return future

    def __del__(self) -> None:
        # The loop is used until its environment ends, so asyncio's warning about an unclosed loop would not help.
        if not self.is_closed():
            self.close()

    def call_at(self, when: float, *args: Any, **options: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        self.is_due = self.is_due or when <= self.time()
        return super().call_at(when, *args, **options)

    def call_soon_threadsafe(  # type: ignore[override]
        self, *args: Any, **options: Any
    ) -> asyncio.Handle:
        thread = threading.get_ident()
        is_paused = self.lent_to == thread or (self._own_thread == thread and _get_running_loop() is not self)
        # asyncio passes no coroutine when it ends a collected asynchronous generator, for which no code waits.
        if is_paused and (len(args) < 2 or isinstance(args[1], CoroutineType)):
            raise RuntimeError("The event loop does not run while this synchronous code waits for it.")
        return super().call_soon_threadsafe(*args, **options)

    def run_once(self) -> None:
        """Runs the callbacks that are ready now."""
        self.is_due = False
        self.call_soon(self.stop)
        self.run_forever()


def refuse_running_loop() -> None:
    """Raises RuntimeError where an event loop runs in this thread, since another one cannot run inside of it."""
    if _get_running_loop() is not None:
        raise RuntimeError(
            "A Lambda handler was made or called inside a running event loop, which it would block."
            " Make it before the loop runs, and call it in a thread: await asyncio.to_thread(handler, event, context)."
        )


def blockable() -> _Loop | None:
    """The running loop if it is Pocket's, which serves one request at a time and may be blocked; else None."""
    loop = _get_running_loop()
    return loop if isinstance(loop, _Loop) else None


class EventLoop:
    """Runs coroutines, one after the other, on one loop for all invocations."""

    def __init__(self) -> None:
        self.loop = loop = _Loop()
        self.loop.set_task_factory(self._new_task)
        self._first_iteration = loop._asyncgen_firstiter_hook  # type: ignore[attr-defined]
        self._finalizer = loop._asyncgen_finalizer_hook  # type: ignore[attr-defined]
        self._spawned = False
        self._known: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    def run(
        self,
        coroutine: Coroutine[Any, Any, T],
        limit: Any = None,
        title: object = "",
        context: Context | None = None,
        *,
        lasting: bool = False,
    ) -> T:
        """Returns the coroutine's result, or raises its exception.

        `limit` bounds the time from the coroutine's first suspension: seconds, a Lambda context, which has a deadline,
        or None for no limit. After that time the coroutine is cancelled, its stack is logged, and DeadlineExceeded is
        raised. Tasks that it leaves running are logged once each, unless they are `lasting`. `title` is the name of the
        work in the log. `context` must not be entered.
        """
        loop = self.loop
        if _get_running_loop() is not None:
            coroutine.close()
            refuse_running_loop()
        self._spawned = expired = False
        try:
            if _STARTS_EAGERLY:
                # Not reset afterwards, which would take longer than everything else here.
                sys.set_asyncgen_hooks(self._first_iteration, self._finalizer)
                _set_running_loop(loop)
                loop.stepping = True
                try:
                    task = Task(coroutine, loop=loop, context=context, eager_start=True)  # type: ignore[call-arg]
                finally:
                    loop.stepping = False
                    _set_running_loop(None)
            else:
                task = Task(coroutine, loop=loop, context=context)
            if not task.done():
                expired = self._drive(task, _seconds(limit), title)
            if loop.is_due or getattr(loop, "_ready", True):  # without asyncio's queue of callbacks: yes
                self._settle()
        finally:
            if loop.work is not None:
                work, loop.work = loop.work, None
                work.end()
        if lasting:
            self._known.update(asyncio.all_tasks(self.loop))
        elif self._spawned:
            self._report_left_running(title)
        if expired and (not task.done() or task.cancelled() or task.exception() is not None):
            raise DeadlineExceeded
        return task.result()

    def close(self) -> None:
        """Cancels remaining tasks, waits for them, and closes the loop."""
        loop = self.loop
        if loop.is_closed():
            return
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=_GRACE))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        if sys.get_asyncgen_hooks()[0] is self._first_iteration:
            sys.set_asyncgen_hooks(None, None)

    def _drive(self, task: asyncio.Task[T], seconds: float | None, title: object) -> bool:
        """Runs the loop until `task` is done or abandoned, `seconds` at most; returns whether it timed out."""
        loop = self.loop
        timers: list[asyncio.TimerHandle] = []

        def expire() -> None:
            if task.done():
                return
            timers.append(loop.call_later(_GRACE, loop.stop))
            logger.error("%s: timed out and was cancelled at:\n%s", title, describe(loop, task, self._known))
            task.cancel()

        if seconds is not None:
            timers.append(loop.call_later(max(seconds, 0), expire))
        task.add_done_callback(_stop)
        try:
            loop.run_forever()
        finally:
            task.remove_done_callback(_stop)
            for timer in timers:
                timer.cancel()
        return len(timers) > 1

    def _new_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        self._spawned = True
        return asyncio.Task(coroutine, loop=loop, **options)

    def _settle(self) -> None:
        """Runs scheduled callbacks now, since the next invocation may be far away and is not theirs."""
        for _ in range(_TURNS):
            self.loop.run_once()
            if not (self.loop.is_due or getattr(self.loop, "_ready", True)):
                return

    def _report_left_running(self, title: object) -> None:
        for task in asyncio.all_tasks(self.loop):
            if task in self._known:
                continue
            self._known.add(task)
            logger.warning(
                "%s: task %s is still running at %s; Lambda freezes it until the next request. Await it, or use a "
                "background task of the framework or a queue.",
                title,
                getattr(task.get_coro(), "__qualname__", task.get_name()),
                place_of(task),
            )


def _seconds(limit: Any) -> float | None:
    """Seconds that work may take; None for no limit and for a context without a deadline."""
    if limit is None or isinstance(limit, float):
        return limit
    remaining = getattr(limit, "get_remaining_time_in_millis", None)
    return None if remaining is None else remaining() / 1000 - MARGIN


def _stop(task: asyncio.Task[Any]) -> None:
    task.get_loop().stop()
