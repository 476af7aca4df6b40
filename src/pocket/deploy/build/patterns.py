"""Patterns of paths, as `[awscontainer] exclude` has them.

A pattern without `/` matches a file's or folder's name anywhere; one with `/` matches the path from the root; `*`, `?`
and `[...]` as in a shell, where `*` matches `/`, too; a trailing `/` matches folders only. A pattern that begins
with `!` brings back what an earlier one leaves out: the last one that matches decides.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def matches(name: str, patterns: Iterable[str], *, folder: bool) -> bool:
    """Whether one of `patterns` matches the path `name` itself, not a parent of it; `!` has no meaning here."""
    last = PurePosixPath(name).name
    return any(_matches(name, last, pattern, folder=folder) for pattern in patterns)


def deciding(name: str, patterns: Sequence[str], *, folder: bool) -> str | None:
    """The last of `patterns` that matches the path `name` itself, with its `!`; None where none matches."""
    last = PurePosixPath(name).name
    found = (each for each in reversed(patterns) if _matches(name, last, each.removeprefix("!"), folder=folder))
    return next(found, None)


def reach_below(folder: str, patterns: Iterable[str]) -> bool:
    """Whether one of `patterns` brings back a path below `folder`, which is itself left out."""
    steps = folder.split("/")
    wanted = (each[1:].strip("/").split("/") for each in patterns if each.startswith("!"))
    return any(len(parts) > len(steps) and all(map(fnmatchcase, steps, parts)) for parts in wanted)


def in_package(name: str, patterns: Sequence[str]) -> bool | None:
    """Whether `patterns` leave out (True) or bring back (False) the file `name` of an installed package; None: neither.

    A pattern without `/` matches a package's name and, inside of packages, anything but Python: a name such as `docs`,
    meant for a folder of the project, may be a module elsewhere.
    """
    python = name.endswith((".py", ".pyc", ".so"))
    inside = [each for each in patterns if "/" in each.removeprefix("!").rstrip("/")] if python else patterns
    decided = None
    for step in [*map(str, reversed(PurePosixPath(name).parents)), name][1:]:
        found = deciding(step, inside if "/" in step else patterns, folder=step != name)
        decided = decided if found is None else not found.startswith("!")
    return decided


def _matches(name: str, last: str, pattern: str, *, folder: bool) -> bool:
    bare, anchored, folders_only = _parsed(pattern)
    return (folder or not folders_only) and fnmatchcase(name if anchored else last, bare)


@lru_cache(maxsize=1024)
def _parsed(pattern: str) -> tuple[str, bool, bool]:
    bare = pattern.rstrip("/")
    return bare.lstrip("/"), "/" in bare, pattern.endswith("/")
