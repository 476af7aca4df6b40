"""Writes reproducible zips of parts, one after another: one timestamp for all entries, modes normalized.

What changes least comes first. The bytes of a zip up to a part depend on nothing that comes after, so the beginning of
the next zip can be copied: the first part from the cache of this machine, and all parts that are equal from the last
artifact in S3. Folders have no entries of their own; whatever unpacks the zip makes them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocket.deploy.build import cache
from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_LEVEL = 3
"""zlib's level, 1 to 9: within 4% of the size at the default level, in little more than half the time."""
_FILE = stat.S_IFREG | 0o644
_PROGRAM = stat.S_IFREG | 0o755
_READ_AT_ONCE = 1 << 20


class Changed(BuildFailed):
    """The file at `path` is not what it was when it was built."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} has changed since it was built.", "Build again.")
        self.path = path


@dataclass(frozen=True)
class Entry:
    """One file of an archive: the path of its content, its size in bytes, its SHA-256, and whether it is executable."""

    source: Path
    size: int
    sha256: str
    executable: bool = False

    @classmethod
    def of(cls, path: Path) -> Entry:
        """The entry of the file at `path`; raises OSError where it cannot be read."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            status = os.fstat(file.fileno())
        return cls(path, status.st_size, digest, bool(status.st_mode & stat.S_IXUSR))

    def read(self) -> bytes:
        """The content. Raises Changed where it is no longer that of the entry, OSError where it cannot be read."""
        content = self.source.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise Changed(self.source)
        return content


@dataclass(frozen=True)
class Beginning:
    """The first `length` bytes of a zip, up to the end of one of its parts, and their SHA-256."""

    length: int
    sha256: str


@dataclass(frozen=True)
class Zip:
    """A written zip, its SHA-256, and its beginnings that a next one may have in common, longest last."""

    path: Path
    sha256: str
    beginnings: tuple[Beginning, ...]


def scan(tree: Path) -> dict[str, Entry]:
    """Every file below `tree` under its path relative to it, with `/` between names; links are followed."""
    return {path.relative_to(tree).as_posix(): Entry.of(path) for path in sorted(tree.rglob("*")) if path.is_file()}


def digest(parts: Sequence[Mapping[str, Entry]]) -> str:
    """One SHA-256 of all names, contents and executable bits: equal if and only if the archives are."""
    total = hashlib.sha256(f"{_LEVEL} {zlib.ZLIB_RUNTIME_VERSION}\n".encode())
    for entries in parts:
        total.update(b"\0\n")
        for name in sorted(entries):
            total.update(f"{name}\0{entries[name].sha256}\0{entries[name].executable}\n".encode())
    return total.hexdigest()


def write(parts: Sequence[Mapping[str, Entry]], path: Path, kept: Path) -> Zip:
    """Writes the zip of `parts` to `path`, atomically; an existing one that is intact is used again.

    `kept` is the folder that keeps zips of first parts. Raises Changed where an entry's file is no longer what it was.
    """
    if (record := cache.find(path)) is not None:
        beginnings = tuple(Beginning(*each) for each in record.facts["beginnings"])
        return Zip(path, record.sha256, beginnings)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(_first(parts[0], kept), unfinished)
        with zipfile.ZipFile(unfinished, "a", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
            starts = [_append(archive, entries) for entries in parts[1:] if entries]
        sha256, beginnings = _measured(unfinished, starts)
        cache.keep(unfinished, path, sha256, {"beginnings": [[each.length, each.sha256] for each in beginnings]})
    finally:
        unfinished.unlink(missing_ok=True)
    return Zip(path, sha256, beginnings)


def _first(entries: Mapping[str, Entry], kept: Path) -> Path:
    """The zip of a first part alone, which is kept: to compress it takes most of the time of a zip."""
    path = kept / f"{digest([entries])[:32]}.zip"
    if cache.find(path) is not None:
        return path
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
            _append(archive, entries)
        cache.keep(unfinished, path, _measured(unfinished, [])[0])
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _append(archive: zipfile.ZipFile, entries: Mapping[str, Entry]) -> int:
    """Adds the entries, sorted by name; returns the offset of the first one."""
    informations = [_information(name, entries[name]) for name in sorted(entries)]
    for information in informations:
        archive.writestr(information, entries[information.filename].read(), zipfile.ZIP_DEFLATED, _LEVEL)
    return informations[0].header_offset if informations else 0


def _measured(path: Path, ends: Sequence[int]) -> tuple[str, tuple[Beginning, ...]]:
    """The SHA-256 of the file, and the beginnings of it that end at `ends`, in one pass."""
    total, beginnings = hashlib.sha256(), []
    with path.open("rb") as file:
        for end in ends:
            while left := end - file.tell():
                total.update(file.read(min(left, _READ_AT_ONCE)))
            beginnings.append(Beginning(end, total.hexdigest()))
        while more := file.read(_READ_AT_ONCE):
            total.update(more)
    return total.hexdigest(), tuple(beginnings)


def _information(name: str, entry: Entry) -> zipfile.ZipInfo:
    information = zipfile.ZipInfo(name, _TIME)
    information.create_system = _UNIX
    information.external_attr = (_PROGRAM if entry.executable else _FILE) << 16
    return information
