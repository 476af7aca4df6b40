"""Removes the original project from `sys.path` in a copy of it; an editable install adds the original."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pocket.naming import ORIGIN_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable


def leave() -> None:
    """In a process that runs in a copy (POCKET_COPY_OF is the original's folder), replaces the original in `sys.path`.

    To be called in the copy's folder, before the project is imported.
    """
    origin = os.environ.get(ORIGIN_KEY)
    if origin:
        sys.path[:] = redirected(sys.path, origin, os.getcwd())  # noqa: PTH109 - the doctor measures what pathlib costs


def redirected(path: Iterable[str], origin: str, copy: str) -> list[str]:
    """The entries of `path`; those in `origin` are replaced by the same folders in `copy`.

    Folders that the copy does not have are kept, such as a virtual environment or an editable package in the project.
    """
    found: list[str] = []
    for entry in path:
        inside = copy + entry[len(origin) :] if f"{entry}{os.sep}".startswith(origin + os.sep) else ""
        place = inside if os.path.isdir(inside) else entry  # noqa: PTH112 - as above
        if place not in found:
            found.append(place)
    return found
