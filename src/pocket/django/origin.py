"""A copy of a project takes nothing from the folder that it was made from, though an editable install names that."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pocket.naming import ORIGIN_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable


def leave() -> None:
    """Points `sys.path` at this copy, where this process runs in one: POCKET_COPY_OF names the folder it was made from.

    To be called before the project is imported, in the copy's folder.
    """
    origin = os.environ.get(ORIGIN_KEY)
    if origin:
        sys.path[:] = redirected(sys.path, origin, os.getcwd())  # noqa: PTH109 - the doctor measures what pathlib costs


def redirected(path: Iterable[str], origin: str, copy: str) -> list[str]:
    """The entries of `path`, those at or below `origin` replaced by the folders of the same names in `copy`.

    What the copy does not have stays: a virtual environment, a package that is installed from a folder in the project.
    """
    found: list[str] = []
    for entry in path:
        inside = copy + entry[len(origin) :] if f"{entry}{os.sep}".startswith(origin + os.sep) else ""
        place = inside if os.path.isdir(inside) else entry  # noqa: PTH112 - as above
        if place not in found:
            found.append(place)
    return found
