"""The event loop of an execution environment: one for its whole life, turned only while there is work.

Lambda gives an environment one invocation at a time and freezes it in between. So the loop is not left running: a
coroutine is started at once, in place, and the loop turns only if it suspends.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import weakref
from asyncio import Task, events
from contextlib import contextmanager
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar

from pocket.asgi.stacks import describe, place_of
from pocket.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from contextvars import Context

T = TypeVar("T")

logger = logging.getLogger("pocket.http")

_get_running_loop = events._get_running_loop
_set_running_loop = events._set_running_loop
_STARTS_EAGERLY = sys.version_info >= (3, 12)
_GRACE = 0.2
"""Seconds that cancelled code has to end; then it is left behind."""

MARGIN = 0.5
"""Seconds before Lambda's own deadline at which work is given up."""

_TURNS = 100
"""Turns of the loop in which what is ready may run, and make other things ready, before it is left to the next time."""


class _Loop(asyncio.SelectorEventLoop):
    """A loop that also counts as running while a first step is taken outside of `run_forever`.

    What synchronous code in its own thread schedules, and waits for, could never be served: the loop is lent to that
    code, or stands still until the next request. It is refused, upon which asgiref takes another loop.
    """

    stepping = False
    lent_to: int | None = None
    is_known_to_asgiref = False
    at_end: Callable[[], None] | None = None
    """Called when the coroutine that sets it has been run, also where it was left behind, and then forgotten."""
    _is_due = False

    def __init__(self) -> None:
        super().__init__()
        self._own_thread = threading.get_ident()

    def is_running(self) -> bool:
        return self.stepping or super().is_running()

    def call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """What `function` returns, called as if no loop ran in this thread, which is the loop's own."""
        outer, self.lent_to = self.lent_to, self._own_thread
        running = _get_running_loop()
        _set_running_loop(None)
        try:
            return function(*args, **kwargs)
        finally:
            _set_running_loop(running)
            self.lent_to = outer

    def __del__(self) -> None:
        # It lives as long as its environment; there is nobody to whom a warning that it was not closed would help.
        if not self.is_closed():
            self.close()

    def call_at(self, when: float, *args: Any, **options: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        self._is_due = self._is_due or when <= self.time()
        return super().call_at(when, *args, **options)

    def call_soon_threadsafe(  # type: ignore[override]
        self, *args: Any, **options: Any
    ) -> asyncio.Handle:
        thread = threading.get_ident()
        stands_still = self.lent_to == thread or (self._own_thread == thread and _get_running_loop() is not self)
        # What ends an asynchronous generator that was collected is no coroutine, and no code waits for it.
        if stands_still and (len(args) < 2 or isinstance(args[1], CoroutineType)):
            raise RuntimeError("The event loop does not turn while the synchronous code runs that wants to use it.")
        return super().call_soon_threadsafe(*args, **options)

    def has_work(self) -> bool:
        """Whether anything would run if the loop turned now."""
        return self._is_due or bool(getattr(self, "_ready", True))

    def turn(self) -> None:
        """Runs what is ready now."""
        self._is_due = False
        self.call_soon(self.stop)
        self.run_forever()


def refuse_running_loop() -> None:
    """Raises RuntimeError where an event loop runs in this thread: none can be run inside of it."""
    if _get_running_loop() is not None:
        raise RuntimeError(
            "A Lambda handler was made or called inside a running event loop, which would stand still meanwhile."
            " Make it before the loop runs, and call it in a thread: await asyncio.to_thread(handler, event, context)."
        )


def patient() -> _Loop | None:
    """The running loop, where it serves one request at a time, and so may wait for synchronous code; None elsewhere."""
    loop = _get_running_loop()
    return loop if isinstance(loop, _Loop) else None


class EventLoop:
    """Runs coroutines, one after the other, on a loop that stays the same between invocations."""

    def __init__(self) -> None:
        self.loop = loop = _Loop()
        self.loop.set_task_factory(self._new_task)
        self._hooks = loop._asyncgen_firstiter_hook, loop._asyncgen_finalizer_hook  # type: ignore[attr-defined]
        self.is_busy = False
        """Whether a coroutine is being run; another one cannot be, until then."""
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
        """The coroutine's result; what it raises is raised.

        `limit` tells, if the coroutine suspends, how long it may take from then on: seconds, or the context of an
        invocation of Lambda, which knows its deadline; None for ever. Past that it is cancelled, the log says where it
        stood, and DeadlineExceeded is raised. Tasks that it leaves running are reported there too, each once, unless
        they are meant to be `lasting`. `title` names the work in the log. `context` must not be entered.
        """
        loop = self.loop
        if _get_running_loop() is not None:
            coroutine.close()
            refuse_running_loop()
        self._spawned = expired = False
        self.is_busy = True
        try:
            if _STARTS_EAGERLY:
                # They stay: to put back what was there before would take longer than all the rest.
                sys.set_asyncgen_hooks(*self._hooks)
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
            if loop.has_work():
                self._settle()
        finally:
            self.is_busy = False
            if loop.at_end is not None:
                end, loop.at_end = loop.at_end, None
                end()
        if lasting:
            self._known.update(asyncio.all_tasks(self.loop))
        elif self._spawned:
            self._report_left_running(title)
        if expired and (not task.done() or task.cancelled() or task.exception() is not None):
            raise DeadlineExceeded
        return task.result()

    @contextmanager
    def lend(self) -> Iterator[None]:
        """Inside, synchronous code runs as if no loop ran in this thread, while the loop waits for it."""
        loop = self.loop
        outer, loop.lent_to = loop.lent_to, threading.get_ident()
        _set_running_loop(None)
        try:
            yield
        finally:
            _set_running_loop(loop)
            loop.lent_to = outer

    def close(self) -> None:
        """Cancels what is left, waits for it, and closes the loop."""
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
        if sys.get_asyncgen_hooks()[0] is self._hooks[0]:
            sys.set_asyncgen_hooks(None, None)

    def _drive(self, task: asyncio.Task[T], seconds: float | None, title: object) -> bool:
        """Turns the loop until `task` is done or left behind, `seconds` at most; whether its time was up."""
        loop = self.loop
        timers: list[asyncio.TimerHandle] = []

        def expire() -> None:
            if task.done():
                return
            timers.append(loop.call_later(_GRACE, loop.stop))
            logger.error("%s: out of time, cancelled. It stood at:\n%s", title, describe(loop, task, self._known))
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
        """Lets run what is ready: the invocation may be the last for long, and what it began is not another's."""
        for _ in range(_TURNS):
            self.loop.turn()
            if not self.loop.has_work():
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
    """How long work may still take; None where `limit` is, or is a context that knows no deadline."""
    if limit is None or isinstance(limit, float):
        return limit
    remaining = getattr(limit, "get_remaining_time_in_millis", None)
    return None if remaining is None else remaining() / 1000 - MARGIN


def _stop(task: asyncio.Task[Any]) -> None:
    task.get_loop().stop()
