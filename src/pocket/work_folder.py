"""The folder `.pocket` in a project, for Pocket's files on this machine: only for its owner, and hidden from git."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = ".pocket"


def make(directory: Path, *below: str) -> Path:
    """The folder `below` the work folder of the project in `directory`, created if missing. Raises OSError."""
    home = directory / NAME
    place = home.joinpath(*below)
    place.mkdir(parents=True, exist_ok=True)
    if place.stat().st_mode & 0o077:
        place.chmod(0o700)
    ignore = home / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return place


def size(*places: Path) -> int:
    """Bytes on the disk of the places and everything below them; links are not followed, each file counts once."""
    files: dict[tuple[int, int], int] = {}
    for place in places:
        for path in (place, *place.rglob("*")):
            try:
                facts = path.lstat()
            except OSError:
                continue
            files[facts.st_dev, facts.st_ino] = facts.st_blocks * 512
    return sum(files.values())
