"""The threads that queries of an API run on: each keeps its own database connections, as Django's threads do.

A request leases one lane for as long as it lasts, so everything that it does in Django happens in one thread, on one
connection, whatever other requests do meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from django.db import connections

if TYPE_CHECKING:
    from concurrent.futures import Executor

MOST_LANES = 40
"""As many as AnyIO has threads for FastAPI's own `def` endpoints."""


class Tenant(Protocol):
    """What waits for a lane; `move_in` is called once, in any thread."""

    def move_in(self, lane: Executor) -> None: ...


class Lanes:
    """At most `most` threads; the one that was used last is leased first, so that few connections are open."""

    def __init__(self, most: int = MOST_LANES) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._free: list[Executor] = []
        self._waiting: deque[Tenant] = deque()
        self._count = 0

    def lease(self, tenant: Tenant) -> None:
        """Gives `tenant` a lane, now or when one is free; in the order of asking."""
        with self._lock:
            if self._free:
                lane = self._free.pop()
            elif self._count < self.most:
                self._count += 1
                lane = ThreadPoolExecutor(1, thread_name_prefix=f"pocket-orm-{self._count}")
            else:
                self._waiting.append(tenant)
                return
        tenant.move_in(lane)

    def withdraw(self, tenant: Tenant) -> bool:
        """Stops waiting; False where the lane has been given already."""
        with self._lock:
            try:
                self._waiting.remove(tenant)
            except ValueError:
                return False
            return True

    def give_back(self, lane: Executor) -> None:
        """Takes a lane that nothing runs on any more."""
        with self._lock:
            if not self._waiting:
                self._free.append(lane)
                return
            tenant = self._waiting.popleft()
        tenant.move_in(lane)

    def close(self) -> None:
        """Ends the threads that are free, each after closing its connections; those in use end unclosed, later."""
        with self._lock:
            free, self._free = self._free, []
            self._count -= len(free)
        for lane in free:
            lane.submit(connections.close_all)
            lane.shutdown()

    def forget(self) -> None:
        """Starts anew without the threads, which a forked process does not have."""
        self.__init__(self.most)  # type: ignore[misc]

    @property
    def leased(self) -> int:
        """How many lanes are in use."""
        with self._lock:
            return self._count - len(self._free)


LANES = Lanes()
"""For requests."""

ASIDE = Lanes(4)
"""For what many requests wait for: it must not wait for a lane that one of them has."""

os.register_at_fork(after_in_child=LANES.forget)
os.register_at_fork(after_in_child=ASIDE.forget)
