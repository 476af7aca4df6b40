"""A process in a copy of the project: without the original in `sys.path`, and with standard output for its answer."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pocket.naming import ORIGIN_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO


def leave() -> None:
    """In a process that runs in a copy (POCKET_COPY_OF is the original's folder), replaces the original in `sys.path`.

    To be called in the copy's folder, before the project is imported.
    """
    origin = os.environ.get(ORIGIN_KEY)
    if origin:
        sys.path[:] = redirected(sys.path, origin, os.getcwd())  # noqa: PTH109 - the doctor measures what pathlib costs


@contextmanager
def answering() -> Iterator[TextIO]:
    """Sets Django up as a function's start does; yields standard output, where nothing else is printed meanwhile.

    What the project prints goes to standard error. To be called in the copy's folder.
    """
    out = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as in `leave`
    leave()
    import django
    from django.conf import settings

    from pocket.django.configuration.startup import check_before_reuse

    check_before_reuse(settings.DATABASES)
    django.setup()
    with os.fdopen(out, "w", encoding="utf-8") as stream:
        yield stream


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
