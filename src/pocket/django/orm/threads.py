"""The thread pool of an API under a server; the thread that was used last is used first: few connections are open."""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import connections

from pocket.django.configuration.errors import SetupFailed
from pocket.django.orm.awaited import Awaited

if TYPE_CHECKING:
    from collections.abc import Callable

    Task = Callable[[], object]
    Queue = SimpleQueue[Task | None]

AnyFuture = Future[Any] | Awaited[Any]
T = TypeVar("T")
F = TypeVar("F", Future[Any], Awaited[Any])

ENDED = "The request has ended: a task that outlives it cannot use its database connection."

SETTING = "POCKET_API_THREADS"
DEFAULT_SIZE = 40


class ThreadPool:
    """At most `size` threads, by default as many as the setting says; each does what is put in its queue, in order."""

    def __init__(self, name: str, size: int | None = None) -> None:
        self.name = name
        self.size = size
        self.forget()

    def forget(self) -> None:
        """Begins without threads, as a forked process does."""
        self._lock = threading.Lock()
        self._free: list[Queue] = []
        self._waiting: deque[Callable[[Queue], None]] = deque()
        self._threads: dict[Queue, threading.Thread] = {}

    def lend(self, take: Callable[[Queue], None]) -> None:
        """Calls `take` with the queue of a thread: now, or in the order of asking when one is free."""
        with self._lock:
            if not self._free and len(self._threads) >= (self.size or size_of_settings()):
                self._waiting.append(take)
                return
            if not self._free:
                queue: Queue = SimpleQueue()
                name = f"{self.name}-{len(self._threads) + 1}"
                self._threads[queue] = threading.Thread(target=_work, args=(queue,), name=name, daemon=True)
                self._threads[queue].start()
                self._free.append(queue)
            queue = self._free.pop()
        take(queue)

    def give_back(self, queue: Queue) -> None:
        """Lends the thread of `queue` to the next, after what is in it."""
        with self._lock:
            if queue not in self._threads:  # a fork has forgotten it
                return
            if not self._waiting:
                self._free.append(queue)
                return
            take = self._waiting.popleft()
        take(queue)

    def withdraw(self, take: Callable[[Queue], None]) -> bool:
        """Whether `take` waited for a thread, and now gets none."""
        with self._lock:
            is_waiting = take in self._waiting
            if is_waiting:
                self._waiting.remove(take)
            return is_waiting

    def close(self) -> None:
        """Ends the threads that are free, each after closing its connections."""
        with self._lock:
            ended = [(queue, self._threads.pop(queue)) for queue in self._free]
            self._free.clear()
        for queue, thread in ended:
            queue.put(connections.close_all)
            queue.put(None)
            thread.join()

    @property
    def busy(self) -> int:
        """How many threads are in use."""
        with self._lock:
            return len(self._threads) - len(self._free)


def _work(queue: Queue) -> None:
    while (task := queue.get()) is not None:
        task()
        del task  # it holds what the call was made with, and the next may come late


class Lease(Executor):
    """A thread of `pool` for one request, from its first call to `close`; all calls are made there, in order.

    A request's parts refer to it, and it refers to none of them when they are done: a cycle of references would leave
    each request to the garbage collector.
    """

    _is_left_open = False
    """Whether `_finish` has something to do: to wake the thread for nothing would take a tenth of a small request."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._asked = self._closed = False
        self._pending = 0
        self._queue: Queue | None = None
        self._early: list[tuple[AnyFuture, Task]] = []
        """What was submitted before a thread was free."""

    def _call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Calls `function` in the thread."""
        return function(*args, **kwargs)

    def _finish(self) -> None:
        """Called in the thread at the end, if there was a call at all and it is left open. It raises nothing."""

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """The future of a call in the thread; RuntimeError after `close`."""
        return self._enqueue(Future(), function, *args, **kwargs)

    def _enqueue(self, future: F, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> F:
        """`future`, which the call is to settle; RuntimeError after `close`."""
        task = partial(self._make, future, function, *args, **kwargs)
        with self._lock:
            if self._closed:
                raise RuntimeError(ENDED)
            self._pending += 1
            asked, self._asked = self._asked, True
            if self._queue is None:
                self._early.append((future, task))
            else:
                self._queue.put(task)
        if not asked:
            self._pool.lend(self._take)
        return future

    def close(self) -> None:
        """Ends the lease, without waiting: what was submitted is done first, or cancelled where no thread has begun."""
        with self._lock:
            closed, self._closed = self._closed, True
            if closed or not self._asked:
                return
            queue = self._queue
            is_idle = self._pending == 0 and not self._is_left_open
            if queue is not None and not is_idle:
                queue.put(self._end)
        if queue is not None and is_idle:
            self._pool.give_back(queue)
        elif queue is None and self._pool.withdraw(self._take):
            for future, _ in self._early:
                future.cancel()
            self._early.clear()

    def _take(self, queue: Queue) -> None:
        with self._lock:
            self._queue = queue
            for _, task in self._early:
                queue.put(task)
            self._early.clear()
            if self._closed:
                queue.put(self._end)

    def _end(self) -> None:
        self._finish()
        if self._queue is not None:
            self._pool.give_back(self._queue)

    def _make(self, future: AnyFuture, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        if not future.set_running_or_notify_cancel():
            self._is_done()
            return
        try:
            result = self._call(function, *args, **kwargs)
        except BaseException as error:  # noqa: BLE001  (the awaiting code gets it, whatever it is)
            self._is_done()
            future.set_exception(error)
            del future, function, args, kwargs  # the error refers to this frame
        else:
            self._is_done()
            future.set_result(result)

    def _is_done(self) -> None:
        with self._lock:
            self._pending -= 1


def size_of_settings() -> int:
    """How many threads serve an API's requests; raises SetupFailed where the setting is no number of threads."""
    size = getattr(settings, SETTING, DEFAULT_SIZE)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise SetupFailed(f"{SETTING} is {size!r}.", "It is a number of threads, 1 or more.")
    return size


POOL = ThreadPool("pocket-api")
"""For requests."""

ASIDE = ThreadPool("pocket-aside", 4)
"""For what many requests wait for: it must not wait for a thread that one of them has."""

for _pool in (POOL, ASIDE):
    os.register_at_fork(after_in_child=_pool.forget)
