"""Each module's import as a span: the first importing module, its line, and the time.

A finder at the head of `sys.meta_path` delegates to the others and wraps the loader that they return; before the
module's code runs, module and spec have their own loader again. The time for finding counts. Spans nest in one thread,
so imports of other threads are not recorded.
"""

from __future__ import annotations

import sys
import time
from _thread import get_ident
from typing import TYPE_CHECKING, Any

from pocket.doctor.recording import Recorder, Stretch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType, ModuleType

_IMPORTLIB = "<frozen importlib"
_BY_NAME = frozenset({"importlib", "django.utils.module_loading"})
_DOCTOR = "pocket.doctor."


class Broken:
    """An exception that left a module's code; `chain` has the modules that were being imported, outermost first."""

    __slots__ = ("chain", "error")

    def __init__(self, error: BaseException, chain: list[Stretch]) -> None:
        self.error = error
        self.chain = chain


class Finder:
    """The finder; `broken` has each exception that left a module, with the innermost such module, in order."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.broken: list[Broken] = []
        self._thread = get_ident()

    def install(self) -> None:
        """Inserts the finder before all others."""
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Removes the finder."""
        sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec from the other finders, with a loader that measures."""
        started = time.perf_counter()
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                loader: Any = spec.loader
                if hasattr(loader, "exec_module") and get_ident() == self._thread:
                    by, place = _importer(sys._getframe(1))
                    stretch = Stretch(name, "import", by, place)
                    spec.loader = _Loader(loader, stretch, self, time.perf_counter() - started)  # type: ignore[assignment]
                return spec
        return None

    def invalidate_caches(self) -> None:
        """Does nothing: the finder has no cache."""


class _Loader:
    """Replaces the loader of one module until that module's code runs."""

    def __init__(self, loader: Any, stretch: Stretch, finder: Finder, seconds: float) -> None:
        self._loader = loader
        self._stretch = stretch
        self._finder = finder
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        spec.loader = self._loader
        started = time.perf_counter()
        try:
            module: ModuleType | None = self._loader.create_module(spec)
        finally:
            spec.loader = self  # type: ignore[assignment]
            self._seconds += time.perf_counter() - started
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader
        module.__loader__ = self._loader
        recorder = self._finder.recorder
        recorder.open(self._stretch, before=self._seconds)
        try:
            self._loader.exec_module(module)
        except BaseException as error:
            if not any(item.error is error for item in self._finder.broken):
                self._finder.broken.append(Broken(error, recorder.importing()))
            raise
        finally:
            recorder.close(self._stretch)


def _importer(frame: FrameType | None) -> tuple[str, tuple[str, int] | None]:
    """The importing module and its line; "" and None for the start itself.

    Skips code that imports for another module: the import system, Django's `import_string`, and a module's
    `__getattr__`, which imports on access.
    """
    while frame is not None:
        code, name = frame.f_code, str(frame.f_globals.get("__name__", ""))
        if name.startswith(_DOCTOR):
            return "", None
        if not (code.co_filename.startswith(_IMPORTLIB) or name in _BY_NAME or code.co_name == "__getattr__"):
            return name, (code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return "", None
