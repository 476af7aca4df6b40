"""The project's files as one build has them, whatever is saved while it runs.

Modules are copied, since they are compiled beside the copy. All other files are read where they are: a zip is not
written of one that has changed since, and `Snapshot.has_changed` tells other readers.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pocket.deploy.build.source import Source

Facts = tuple[int, ...]
"""Size, times of the last change of content and of the file, in nanoseconds, and inode."""


@dataclass(frozen=True)
class Snapshot:
    """The files of `source`, in the project, and by the same names `files`, of which modules are copies.

    `seen` are the facts of all others when it was made.
    """

    source: Source
    files: Mapping[str, Path]
    seen: Mapping[Path, Facts]

    def has_changed(self) -> bool:
        """Whether a file that is read where it is may have changed since."""
        try:
            return any(_facts(path) != facts for path, facts in self.seen.items())
        except OSError:
            return True


def make(source: Source, place: Path) -> Snapshot:
    """A snapshot of the files of `source`, whose modules are copied to `place`. Raises OSError."""
    shutil.rmtree(place, ignore_errors=True)
    files, seen = {}, {}
    for name, path in source.files.items():
        if name.endswith(".py"):
            files[name] = place / name
            files[name].parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, files[name])
            files[name].chmod(0o700 if path.stat().st_mode & 0o100 else 0o600)
        else:
            files[name], seen[path] = path, _facts(path)
    return Snapshot(source, files, seen)


def _facts(path: Path) -> Facts:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
