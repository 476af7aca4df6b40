"""Copies a local library to a temporary folder to build it there, so that nothing is written among its sources.

The copy has neither products of earlier builds nor hidden folders. It is as deep below the root of a git work tree as
the original, so that build tools find the version and the ignored files through git.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.deploy.build import path_patterns
from pocket.deploy.build.exclusions import BUILD_PRODUCTS, SETUPTOOLS_LEAVES
from pocket.deploy.build.revision import work_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

# Tools keep environments and caches in hidden folders, and change them while a build runs.
_LEFT_OUT = (*BUILD_PRODUCTS, *SETUPTOOLS_LEAVES, ".*/")


@contextmanager
def copied(local: Path) -> Iterator[Path]:
    """A temporary copy of the folder `local`; a file is returned as it is, since nothing is written beside it."""
    if local.is_file():
        yield local
        return
    with tempfile.TemporaryDirectory(prefix="pocket-library-") as name:
        root = Path(name).resolve()
        tree = work_tree(local)
        steps = local.relative_to(tree.root) if tree else Path(local.name)
        if tree:
            (root / ".git").write_text(f"gitdir: {tree.repository}\n")
            for folder in (tree.root, *(tree.root / step for step in steps.parents)):
                _copy_ignored(folder, root / folder.relative_to(tree.root))
        place = root / steps
        _copy(local, place)
        yield place


def _copy_ignored(folder: Path, place: Path) -> None:
    if (folder / ".gitignore").is_file():
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / ".gitignore", place / ".gitignore")


def _copy(local: Path, place: Path) -> None:
    for parent, folders, files in os.walk(local):
        here = Path(parent)
        there = place / here.relative_to(local)
        there.mkdir(parents=True, exist_ok=True)
        prefix = "" if here == local else f"{here.relative_to(local).as_posix()}/"
        folders[:] = [each for each in folders if not _is_left_out(f"{prefix}{each}", here / each)]
        for each in [*files, *(each for each in folders if (here / each).is_symlink())]:
            if path_patterns.matches(f"{prefix}{each}", _LEFT_OUT, folder=False):
                continue
            if (here / each).is_symlink():
                _link(here / each, there / each, local)
            else:
                shutil.copy2(here / each, there / each)


def _is_left_out(name: str, folder: Path) -> bool:
    return path_patterns.matches(name, _LEFT_OUT, folder=True) or (folder / "pyvenv.cfg").exists()


def _link(link: Path, place: Path, local: Path) -> None:
    """Makes the same link at `place`; a link out of the library becomes absolute."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return
    inside = target.is_relative_to(local) and not link.readlink().is_absolute()
    place.symlink_to(link.readlink() if inside else target)
