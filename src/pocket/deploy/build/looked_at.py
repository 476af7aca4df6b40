"""What a build found out about files of a folder that it keeps: a file is read again only if it has changed since.

The record, beside the folder, knows a file by its size, mode, times and inode.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.deploy.build.archive import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def entries(folder: Path, refuses: Callable[[Path, str], bool]) -> tuple[dict[str, Entry], list[str]]:
    """The files below `folder` by name, and the names of those that `refuses`, which are removed."""
    record = folder.with_name(f"{folder.name}.hashes.json")
    # A newer version may refuse more: it reads each file again.
    rules, found, refused = version("django-pocket"), {}, []
    known = _read(record).get(rules, {})
    for name, path, facts in sorted(_files(folder)):
        entry = _known(known.get(name), path, facts)
        if entry is None and refuses(path, name):
            path.unlink()
            refused.append(name)
            continue
        found[name] = Entry.of(path) if entry is None else entry, facts
    record.write_text(json.dumps({rules: {name: [entry.sha256, *facts] for name, (entry, facts) in found.items()}}))
    return {name: entry for name, (entry, _) in found.items()}, refused


def _files(folder: Path) -> Iterator[tuple[str, Path, list[int]]]:
    for parent, _, names in os.walk(folder):
        prefix = "" if Path(parent) == folder else f"{Path(parent).relative_to(folder).as_posix()}/"
        for name in names:
            path = Path(parent, name)
            facts = path.stat()
            yield (
                f"{prefix}{name}",
                path,
                [facts.st_size, facts.st_mode, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino],
            )


def _known(recorded: Any, path: Path, facts: list[int]) -> Entry | None:
    if not isinstance(recorded, list) or recorded[1:] != facts:
        return None
    return Entry(path, facts[0], recorded[0], bool(facts[1] & stat.S_IXUSR))


def _read(record: Path) -> Mapping[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(record.read_text())
        if isinstance(found, dict):
            return found
    return {}
