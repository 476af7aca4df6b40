"""Stacks as data, innermost frame first, and the line that is the cause: the project's own, at import time."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType, TracebackType

_OPTIMIZED = 0x0001  # inspect.CO_OPTIMIZED, without loading inspect before it is measured


class Frame(NamedTuple):
    """One frame; `import_time` is True in the body of a module or class, False in a function."""

    file: str
    line: int
    name: str
    import_time: bool


def here() -> list[Frame]:
    """The current stack, starting with the caller's caller."""
    found = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        found.append(_frame(frame, frame.f_lineno))
        frame = frame.f_back
    return found


def of_traceback(trace: TracebackType | None) -> list[Frame]:
    """The stack of a traceback."""
    found = []
    while trace is not None:
        found.append(_frame(trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return found[::-1]


def own(frames: Iterable[Frame]) -> list[Frame]:
    """The frames of code other than Python's, Django's and Pocket's."""
    return [frame for frame in frames if not is_foreign(frame.file)]


def at_import(frames: Iterable[Frame]) -> Frame | None:
    """The innermost frame in the body of a module or class; None if there are only functions."""
    return next((frame for frame in own(frames) if frame.import_time), None)


def is_foreign(file: str) -> bool:
    """Whether a file is Python's, Django's or Pocket's, which the project cannot change."""
    if file.startswith("<"):
        return True
    if "site-packages" not in file and file.startswith(_STANDARD_LIBRARY):
        return True
    return file.startswith((*_package("django"), *_package("asgiref"), _POCKET))


def is_django(file: str) -> bool:
    """Whether a file is part of Django."""
    return file.startswith(_package("django"))


def _frame(frame: FrameType, line: int) -> Frame:
    code = frame.f_code
    return Frame(code.co_filename, line, code.co_name, not code.co_flags & _OPTIMIZED)


def _package(name: str) -> tuple[str, ...]:
    file = getattr(sys.modules.get(name), "__file__", None)
    return (os.path.dirname(file) + os.sep,) if file else ()  # noqa: PTH120 - pathlib is not loaded yet


_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120
_POCKET = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep  # noqa: PTH100, PTH120
