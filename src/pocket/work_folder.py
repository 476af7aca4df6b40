"""The folder in a project where Pocket keeps what it makes on this machine: its owner's alone, and hidden from git."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = ".pocket"


def make(directory: Path, *below: str) -> Path:
    """The folder `below` that of the project in `directory`, made where it is not there yet. Raises OSError."""
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
    """The bytes that the places take on the disk with all below them, links not followed and each file counted once."""
    files: dict[tuple[int, int], int] = {}
    for place in places:
        for path in (place, *place.rglob("*")):
            try:
                facts = path.lstat()
            except OSError:
                continue
            files[facts.st_dev, facts.st_ino] = facts.st_blocks * 512
    return sum(files.values())
