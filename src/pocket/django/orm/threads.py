"""The thread pool of an API under a server; the thread that was used last is used first: few connections are open."""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import connections

from pocket.django.configuration.errors import SetupFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    Task = Callable[[], None]

T = TypeVar("T")

ENDED = "The request has ended: a task that outlives it cannot use its database connection."

SETTING = "POCKET_API_THREADS"
DEFAULT_SIZE = 40


class ThreadPool:
    """At most `size` threads, by default as many as the setting says; each does one task at a time."""

    def __init__(self, name: str, size: int | None = None) -> None:
        self.name = name
        self.size = size
        self.forget()

    def forget(self) -> None:
        """Begins without threads, as a forked process does."""
        self._lock = threading.Lock()
        self._free: list[SimpleQueue[Task | None]] = []
        self._waiting: deque[Task] = deque()
        self._threads: dict[SimpleQueue[Task | None], threading.Thread] = {}

    def begin(self, task: Task) -> None:
        """Has `task`, which raises nothing, done by a thread: now, or in the order of asking when one is free."""
        with self._lock:
            if not self._free and len(self._threads) >= (self.size or size_of_settings()):
                self._waiting.append(task)
                return
            if not self._free:
                queue: SimpleQueue[Task | None] = SimpleQueue()
                name = f"{self.name}-{len(self._threads) + 1}"
                self._threads[queue] = threading.Thread(target=self._work, args=(queue,), name=name, daemon=True)
                self._threads[queue].start()
                self._free.append(queue)
            self._free.pop().put(task)

    def withdraw(self, task: Task) -> bool:
        """Whether `task` had not begun, and now never will."""
        with self._lock:
            is_waiting = task in self._waiting
            if is_waiting:
                self._waiting.remove(task)
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

    def _work(self, queue: SimpleQueue[Task | None]) -> None:
        while (task := queue.get()) is not None:
            task()
            with self._lock:
                if queue not in self._threads:  # `close` has ended it
                    continue
                if self._waiting:
                    queue.put(self._waiting.popleft())
                else:
                    self._free.append(queue)


class Lease:
    """A thread of `pool` for one request, from its first call to `close`; all calls are made there, in order.

    `last`, which raises nothing, is called there at the end, if there was a call at all.
    """

    def __init__(self, pool: ThreadPool, last: Task) -> None:
        self._pool = pool
        self._last = last
        self._lock = threading.Lock()
        self._asked = self._closed = False
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """The future of `call`; RuntimeError after `close`."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(ENDED)
            self._calls.put((future, call))
            asked, self._asked = self._asked, True
        if not asked:
            self._pool.begin(self._serve)
        return future

    def close(self) -> None:
        """Ends the lease, without waiting: what was submitted is done first, or cancelled where no thread has begun."""
        with self._lock:
            closed, self._closed = self._closed, True
        if closed:
            return
        self._calls.put(None)
        if self._asked and self._pool.withdraw(self._serve):
            while (waiting := self._calls.get()) is not None:
                waiting[0].cancel()

    def _serve(self) -> None:
        while (submitted := self._calls.get()) is not None:
            _make(*submitted)
            del submitted  # it holds what the call was made with, and the next may come late
        self._last()


def _make(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001  (the awaiting code gets it, whatever it is)
        future.set_exception(error)
        del future, call  # the error refers to this frame
    else:
        future.set_result(result)


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
