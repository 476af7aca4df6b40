"""Files that builds keep, each with a record of its hash: one that was changed or cut off is made again."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Record:
    """The SHA-256 of a kept file, and what else was found out when it was made."""

    sha256: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def find(path: Path) -> Record | None:
    """The record of the kept file, now the newest; None where there is none, or the file is not what it was."""
    record = _intact(path)
    if record is None:
        remove(path)
        return None
    path.touch()
    return record


def find_content(folder: Path, pattern: str, sha256: str) -> Path | None:
    """The kept file below `folder` that `pattern` matches and that has that hash; None without one that is intact."""
    for path in folder.glob(pattern):
        record = _recorded(path)
        if record is not None and record.sha256 == sha256 and _intact(path) is not None:
            return path
    return None


def _intact(path: Path) -> Record | None:
    record = _recorded(path)
    with suppress(OSError), path.open("rb") as file:
        if record is not None and hashlib.file_digest(file, "sha256").hexdigest() == record.sha256:
            return record
    return None


def _recorded(path: Path) -> Record | None:
    with suppress(OSError, ValueError, TypeError, KeyError):
        found = json.loads(_record_of(path).read_text())
        return Record(found["sha256"], found["facts"])
    return None


def keep(made: Path, path: Path, sha256: str, facts: Mapping[str, Any] | None = None) -> None:
    """Moves the file `made`, which has that hash, to `path` with its record."""
    remove(path)
    _record_of(path).write_text(json.dumps({"sha256": sha256, "facts": facts or {}}))
    made.replace(path)


def remove(path: Path) -> None:
    """Removes the file and its record, where they exist."""
    for each in (path, _record_of(path)):
        each.unlink(missing_ok=True)


def prune(folder: Path, pattern: str, count: int) -> None:
    """Removes the files that `pattern` matches, but for the `count` newest."""
    newest_first = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[count:]:
        remove(path)


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
