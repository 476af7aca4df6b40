"""The folder of a stage's collected static files, kept between builds, so that only what changed is collected again.

A file beside the folder records, for each collected name, the source and the copies of it that Django made: the plain
one, and the one with a hashed name if its content is the same. A copy is used again while neither the source nor the
copy has changed since, by size, times and inode. Everything else in the folder is removed before Django collects, so
the result is that of an empty folder: Django writes again what it changes, such as styles that refer to other files.
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import django
from django.contrib.staticfiles.storage import StaticFilesStorage

from pocket.naming import STATIC_MANIFEST_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Facts = list[int]
"""Size, times of the last change of content and of the file, in nanoseconds, and inode."""


class Collected:
    """The folder `directory` during one collection."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.record = directory.with_name(f"{directory.name}.json")
        self.sources: dict[str, str] = {}
        self.keeps = True
        self._kept: dict[str, dict[str, Any]] = {}
        self._identity: list[str] = [django.get_version()]

    def clear(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.record.unlink(missing_ok=True)

    def clear_changed(self, *identity: str) -> None:
        """Removes everything but the copies of unchanged sources that were made under the same `identity`."""
        self._identity += identity
        self._kept = {name: each for name, each in self._recorded().items() if self._is_unchanged(each)}
        self.record.unlink(missing_ok=True)
        copies = {copy for each in self._kept.values() for copy in each["copies"]}
        for name in self._files():
            if name not in copies:
                (self.directory / name).unlink()

    def is_from_elsewhere(self, name: str, source: str | None) -> bool:
        """Whether a kept copy is of another source than `source`; None for one without a path."""
        return name in self._kept and self._kept[name]["source"] != source

    def finish(self) -> int:
        """Removes kept copies that are no longer of use, and writes the record; returns the number of files."""
        hashed = self._hashed_names()
        wanted = {*self.sources, *hashed.values()}
        for each in self._kept.values():
            for copy in each["copies"]:
                if copy not in wanted:
                    (self.directory / copy).unlink(missing_ok=True)
        if self.keeps:
            found = {name: self._recording(name, hashed.get(name)) for name in self.sources}
            self.record.write_text(json.dumps({"identity": self._identity, "files": found}))
        return sum(1 for _ in self._files())

    def _recorded(self) -> Mapping[str, Any]:
        try:
            found = json.loads(self.record.read_text())
            return found["files"] if found["identity"] == self._identity else {}
        except (OSError, ValueError, TypeError, KeyError):
            return {}

    def _is_unchanged(self, each: Mapping[str, Any]) -> bool:
        with suppress(OSError):
            return each["facts"] == _facts(each["source"]) and all(
                facts == _facts(f"{self.directory}/{copy}") for copy, facts in each["copies"].items()
            )
        return False

    def _recording(self, name: str, hashed: str | None) -> dict[str, Any]:
        source = self.sources[name]
        copies = [name]
        if hashed is not None and hashed != name and self._is_copy(name, hashed):
            copies.append(hashed)
        return {
            "source": source,
            "facts": _facts(source),
            "copies": {copy: _facts(f"{self.directory}/{copy}") for copy in copies},
        }

    def _is_copy(self, name: str, hashed: str) -> bool:
        known = self._kept.get(name, {}).get("copies", {})
        path = f"{self.directory}/{hashed}"
        return known.get(hashed) == _facts(path) or filecmp.cmp(f"{self.directory}/{name}", path, shallow=False)

    def _hashed_names(self) -> Mapping[str, str]:
        with suppress(OSError):
            paths: Mapping[str, str] = json.loads((self.directory / STATIC_MANIFEST_FILE).read_text())["paths"]
            return paths
        return {}

    def _files(self) -> Iterator[str]:
        """The names of all files in the folder, and of links."""
        # Text, as everywhere that there may be thousands: pathlib takes longer than the file system.
        for parent, folders, files in os.walk(self.directory):
            prefix = "" if parent == str(self.directory) else f"{os.path.relpath(parent, self.directory)}/"
            links = (name for name in folders if os.path.islink(f"{parent}/{name}"))  # noqa: PTH114 - as above
            yield from (f"{prefix}{name}" for name in (*files, *links))


def keeping(base: type[StaticFilesStorage], collected: Collected) -> type[StaticFilesStorage]:
    """A subclass of `base` that records every source in `collected`, after collectstatic has copied it."""

    class Keeping(base):  # type: ignore[misc, valid-type]
        def post_process(self, paths: Mapping[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
            for name, (storage, path) in paths.items():
                source = _path(storage, path)
                if collected.is_from_elsewhere(name, source):
                    self.delete(name)
                    with storage.open(path) as content:
                        self.save(name, content)
                if source is not None:
                    collected.sources[name] = source
            if hasattr(super(), "post_process"):
                yield from super().post_process(paths, dry_run=dry_run, **options)

    return Keeping


def _path(storage: Any, path: str) -> str | None:
    """The place of a source; None for one that is not a file."""
    try:
        return os.path.abspath(str(storage.path(path)))  # noqa: PTH100 - see _files
    except NotImplementedError:
        return None


def _facts(path: str) -> Facts:
    facts = os.stat(path)  # noqa: PTH116 - see _files
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
