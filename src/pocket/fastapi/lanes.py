"""The threads that queries of an API run on: each keeps its own database connections, as Django's threads do.

A request leases one lane from its first query to its last, so everything that it does in Django happens in one thread,
on one connection, whatever other requests do meanwhile.

Python computes in one thread at a time. Threads that all have something to compute hand the interpreter to and fro,
SQLite's at every row, which takes several times what the work takes. So only as many requests have a turn as keep one
processor busy: one, where the database answers at once; more, the longer it lets them wait. A `Pace` finds out.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Callable

    Job = Callable[[], None]

logger = logging.getLogger("pocket.fastapi")

MOST_LANES = 40
"""As many as AnyIO has threads for FastAPI's own `def` endpoints."""

_INTERVAL = 0.01
"""Seconds between two looks at how busy the process is, while requests wait for a turn."""

_IDLE, _BUSY = 0.9, 0.95
"""The part of a processor's time below which more turns are given, and above which there are fewer."""

_GAIN, _PATIENCE = 1.1, 50
"""How many times as busy the process is to be with more turns; else how many looks later they are tried again."""

_STALLED = 0.05
"""Seconds without the end of a turn after which more are given, however busy the process is."""


class Tenant(Protocol):
    """What waits for a lane; `move_in` is called once, in any thread, when its turn begins."""

    def move_in(self, lane: Lane) -> None: ...


class Lane:
    """A thread that does one job after the other; a job takes nothing and returns nothing, and tells whom it fails."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.put = self._jobs.put
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread, and waits for it to do what it was given and to close its connections."""
        self.put(connections.close_all)
        self.put(None)
        self._thread.join()

    def _work(self) -> None:
        get = self._jobs.get
        while (job := get()) is not None:
            try:
                job()
            except BaseException:  # whatever it is, the thread is not this job's alone
                logger.exception("A job failed between two requests.")
            del job  # it holds a request, which may wait long for the next


class Lanes:
    """At most `most` threads; the one that was used last is leased first, so that few connections are open.

    `paced` ones are leased as a `Pace` has it, others while there are any.
    """

    def __init__(self, most: int = MOST_LANES, *, paced: bool = False) -> None:
        self.most = most
        self._paced = paced
        self.lock = threading.Lock()
        self._free: list[Lane] = []
        self.waiting: deque[Tenant] = deque()
        self._count = 0
        self._running = 0
        self._pace = Pace(self) if paced else None

    def lease(self, tenant: Tenant) -> None:
        """Gives `tenant` a turn and a lane, now or when there are both; in the order of asking."""
        with self.lock:
            lane = None if self.waiting else self._next()
            if lane is None:
                self.waiting.append(tenant)
                if self._pace is not None:
                    self._pace.begin()
                return
        tenant.move_in(lane)

    def withdraw(self, tenant: Tenant) -> bool:
        """Stops waiting; False where the lane has been given already."""
        with self.lock:
            try:
                self.waiting.remove(tenant)
            except ValueError:
                return False
            return True

    def resume(self) -> None:
        """Begins another turn of a tenant that has its lane: what it has begun nobody is to wait for."""
        with self.lock:
            self._running += 1

    def rest(self) -> None:
        """Ends the turn of a tenant that keeps its lane."""
        self.give_back(None)

    def give_back(self, lane: Lane | None, *, rests: bool = True) -> None:
        """Takes a lane that nothing runs on any more, and ends its tenant's turn if it `rests` only now."""
        with self.lock:
            if lane is not None:
                self._free.append(lane)
            if rests:
                self._running -= 1
                if self._pace is not None:
                    self._pace.move()
            if not self.waiting:
                return
        self.admit()

    def admit(self) -> None:
        """Gives turns and lanes to those who wait, as far as there are both."""
        while True:
            with self.lock:
                lane = self._next() if self.waiting else None
                if lane is None:
                    return
                tenant = self.waiting.popleft()
            tenant.move_in(lane)

    def _next(self) -> Lane | None:
        """A lane for a turn that begins now; None where it must wait."""
        if self._pace is not None and self._running >= self._pace.turns:
            return None
        if self._free:
            lane = self._free.pop()
        elif self._count < self.most:
            self._count += 1
            lane = Lane(f"pocket-orm-{self._count}")
        else:
            return None
        self._running += 1
        return lane

    def close(self) -> None:
        """Ends the threads that are free, each after closing its connections; those in use end unclosed, later."""
        with self.lock:
            free, self._free = self._free, []
            self._count -= len(free)
        for lane in free:
            lane.close()

    def forget(self) -> None:
        """Starts anew without the threads, which a forked process does not have."""
        self.__init__(self.most, paced=self._paced)  # type: ignore[misc]

    @property
    def leased(self) -> int:
        """How many lanes are in use."""
        with self.lock:
            return self._count - len(self._free)


class Pace:
    """How many `turns` are given at a time: as few as keep one processor busy, found out while tenants wait for one.

    `begin`, `move` and `adjust` are called under the lock of the lanes.
    """

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.turns = 1
        self._moved = self._looked = self._used = 0.0
        self._trial: tuple[int, float] | None = None
        self._patience = 0
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Somebody has to wait."""
        if self._wanted.is_set():
            return
        self._moved = time.monotonic()
        self._look(self._moved)
        self._trial = None
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="pocket-orm-pace", daemon=True)
            self._thread.start()

    def move(self) -> None:
        """A turn has ended."""
        if not self._wanted.is_set():
            return
        self._moved = now = time.monotonic()
        if now - self._looked >= _INTERVAL:
            self.adjust(self._look(now))

    def adjust(self, busy: float) -> None:
        """More turns or fewer, after a time in which the process has used `busy` of a processor.

        More are a trial: where the process did not get more done with them, as on a machine whose processors others use
        too, they are taken back, and it is some time until the next.
        """
        trial, self._trial = self._trial, None
        if busy > _BUSY:
            self.turns -= min(self.turns - 1, (self.turns + 3) // 4)
        elif trial is not None and busy < trial[1] * _GAIN:
            self.turns = trial[0]
            self._patience = _PATIENCE
        elif self._patience:
            self._patience -= 1
        elif busy < _IDLE:
            self._trial = self.turns, busy
            self._raise()

    def _raise(self) -> None:
        self.turns = min(self.lanes.most, self.turns + (self.turns + 1) // 2)

    def _look(self, now: float) -> float:
        """How much of a processor was used since this was called last."""
        used = time.process_time()
        busy = (used - self._used) / max(now - self._looked, _INTERVAL)
        self._looked, self._used = now, used
        return busy

    def _watch(self) -> None:
        """Gives turns where none ends by itself, since all wait for something."""
        while True:
            self._wanted.wait()
            time.sleep(_STALLED)
            with self.lanes.lock:
                if not self.lanes.waiting:
                    self._wanted.clear()
                    continue
                if time.monotonic() - self._moved < _STALLED:
                    continue
                self._trial, self._patience = None, 0
                self._raise()
            self.lanes.admit()


LANES = Lanes(paced=True)
"""For requests."""

ASIDE = Lanes(4)
"""For what many requests wait for: it must not wait for a lane that one of them has."""

os.register_at_fork(after_in_child=LANES.forget)
os.register_at_fork(after_in_child=ASIDE.forget)
