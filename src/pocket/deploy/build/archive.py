"""Writes reproducible zips: names sorted, one timestamp for all entries, modes normalized."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_LEVEL = 3
"""zlib's level, 1 to 9: within 4% of the size at the default level, in little more than half the time."""
_FOLDER = stat.S_IFDIR | 0o755
_FILE = stat.S_IFREG | 0o644
_PROGRAM = stat.S_IFREG | 0o755
_MSDOS_FOLDER = 0x10


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


def scan(tree: Path) -> dict[str, Entry]:
    """Every file below `tree` under its path relative to it, with `/` between names; links are followed."""
    return {path.relative_to(tree).as_posix(): Entry.of(path) for path in sorted(tree.rglob("*")) if path.is_file()}


def digest(entries: Mapping[str, Entry]) -> str:
    """One SHA-256 of all names, contents and executable bits: equal if and only if the archives are."""
    total = hashlib.sha256(f"{_LEVEL} {zlib.ZLIB_RUNTIME_VERSION}\n".encode())
    for name in sorted(entries):
        total.update(f"{name}\0{entries[name].sha256}\0{entries[name].executable}\n".encode())
    return total.hexdigest()


def write(entries: Mapping[str, Entry], path: Path) -> None:
    """Writes the zip of `entries` to `path`, atomically."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
            for name in sorted({*entries, *_folders(entries)}):
                if name.endswith("/"):
                    archive.writestr(_information(name, _FOLDER), b"")
                    continue
                entry = entries[name]
                information = _information(name, _PROGRAM if entry.executable else _FILE)
                archive.writestr(information, entry.source.read_bytes(), zipfile.ZIP_DEFLATED, _LEVEL)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _folders(entries: Mapping[str, Entry]) -> Iterator[str]:
    for name in entries:
        for folder in PurePosixPath(name).parents:
            if folder.name:
                yield f"{folder}/"


def _information(name: str, mode: int) -> zipfile.ZipInfo:
    information = zipfile.ZipInfo(name, _TIME)
    information.create_system = _UNIX
    information.external_attr = mode << 16 | (_MSDOS_FOLDER if stat.S_ISDIR(mode) else 0)
    return information
