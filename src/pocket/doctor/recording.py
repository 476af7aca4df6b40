"""The recording of spans: time, modules and resident memory of each part of a start.

It only imports modules that Python's own start has loaded, so that no module's cost is hidden.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Stretch:
    """One span during its recording; `started` and `ended` in seconds of the recorder's clock, `memory` in bytes."""

    __slots__ = ("by", "children", "ended", "kind", "memory", "modules", "name", "place", "started")

    def __init__(self, name: str, kind: str, by: str = "", place: tuple[str, int] | None = None) -> None:
        self.name = name
        self.kind = kind
        self.by = by
        self.place = place
        self.children: list[Stretch] = []
        self.started = self.ended = 0.0
        self.modules = 0
        self.memory = 0


class Recorder:
    """Nested spans of one thread; `stack` has the open ones, outermost first, `roots` all outermost ones.

    `finder` is the one on `sys.meta_path` that records imports.
    """

    def __init__(self) -> None:
        self.roots: list[Stretch] = []
        self.stack: list[Stretch] = []
        self.finder: Any = None
        self._memory = _memory_reader()
        self._origin = time.perf_counter()

    def open(self, stretch: Stretch, before: float = 0.0) -> None:
        """Begins `stretch` inside the innermost open one; it started `before` seconds ago."""
        (self.stack[-1].children if self.stack else self.roots).append(stretch)
        self.stack.append(stretch)
        stretch.modules = len(sys.modules)
        if stretch.kind != "import":
            stretch.memory = self._memory()
        stretch.started = time.perf_counter() - self._origin - before

    def close(self, stretch: Stretch) -> None:
        """Ends `stretch`, which is the innermost open one."""
        stretch.ended = time.perf_counter() - self._origin
        stretch.modules = len(sys.modules) - stretch.modules
        if stretch.kind != "import":
            stretch.memory = self._memory() - stretch.memory
        self.stack.pop()

    @contextmanager
    def span(self, name: str, kind: str) -> Iterator[Stretch]:
        """Records the block as a span, also if it raises."""
        stretch = Stretch(name, kind)
        self.open(stretch)
        try:
            yield stretch
        finally:
            self.close(stretch)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the block's time and imports out of the report; for use between spans only."""
        began = time.perf_counter()
        held = sys.meta_path.index(self.finder) if self.finder in sys.meta_path else None
        if held is not None:
            del sys.meta_path[held]
        try:
            yield
        finally:
            if held is not None:
                sys.meta_path.insert(held, self.finder)
            self._origin += time.perf_counter() - began

    def importing(self) -> list[Stretch]:
        """The modules that are being imported, outermost first."""
        return [item for item in self.stack if item.kind == "import"]


def _memory_reader() -> Callable[[], int]:
    """A function that returns the process's resident memory in bytes: on Linux the present one, elsewhere the peak."""
    try:
        file = os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    page = os.sysconf("SC_PAGE_SIZE")
    return lambda: int(os.pread(file, 100, 0).split()[1]) * page
