"""Patterns of paths, as `[awscontainer] exclude` has them.

A pattern without `/` matches a file's or folder's name anywhere; one with `/` matches the path from the root; `*`, `?`
and `[...]` as in a shell, where `*` matches `/`, too; a trailing `/` matches folders only. A pattern that begins
with `!` brings back what an earlier one leaves out: the last one that matches decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Match = Callable[[str], re.Match[str] | None]


def matches(name: str, patterns: Iterable[str], *, folder: bool) -> bool:
    """Whether one of `patterns` matches the path `name` itself, not a parent of it; `!` has no meaning here."""
    patterns = tuple(patterns)
    last = name.rpartition("/")[2]
    if not _may_match(name, last, patterns):
        return False
    return any(_matches(name, last, pattern, folder=folder) for pattern in patterns)


def deciding(name: str, patterns: Sequence[str], *, folder: bool) -> str | None:
    """The last of `patterns` that matches the path `name` itself, with its `!`; None where none matches."""
    last = name.rpartition("/")[2]
    if not _may_match(name, last, tuple(patterns)):
        return None
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
    return _in_package(name, tuple(patterns), folder=False, python=python)


def _in_package(name: str, patterns: tuple[str, ...], *, folder: bool, python: bool) -> bool | None:
    above, _, _ = name.rpartition("/")
    if not above:
        found = deciding(name, patterns, folder=folder)
        return None if found is None else not found.startswith("!")
    found = deciding(name, _anchored(patterns) if python else patterns, folder=folder)
    return _folder_in_package(above, patterns, python=python) if found is None else not found.startswith("!")


@lru_cache(maxsize=8192)
def _folder_in_package(name: str, patterns: tuple[str, ...], *, python: bool) -> bool | None:
    return _in_package(name, patterns, folder=True, python=python)


@lru_cache(maxsize=64)
def _anchored(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in patterns if "/" in each.removeprefix("!").rstrip("/"))


def _matches(name: str, last: str, pattern: str, *, folder: bool) -> bool:
    bare, anchored, folders_only = _parsed(pattern)
    return (folder or not folders_only) and fnmatchcase(name if anchored else last, bare)


def _may_match(name: str, last: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of `patterns` matches, with or without its `!`, if `name` were a folder; False for most files."""
    plain, anchored = _joined(patterns)
    return plain(last) is not None or anchored(name) is not None


@lru_cache(maxsize=64)
def _joined(patterns: tuple[str, ...]) -> tuple[Match, Match]:
    """One expression for the last names that `patterns` match, and one for whole paths: a path is tried once."""
    parsed = [_parsed(each.removeprefix("!")) for each in patterns]
    plain, anchored = (
        "|".join(translate(bare) for bare, is_anchored, _ in parsed if is_anchored is wanted) or r"(?!)"
        for wanted in (False, True)
    )
    return re.compile(plain).match, re.compile(anchored).match


@lru_cache(maxsize=1024)
def _parsed(pattern: str) -> tuple[str, bool, bool]:
    bare = pattern.rstrip("/")
    return bare.lstrip("/"), "/" in bare, pattern.endswith("/")
