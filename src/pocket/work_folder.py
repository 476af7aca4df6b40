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
