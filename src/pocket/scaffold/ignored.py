"""The project's .gitignore, with what a laptop alone has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LINES = (".pocket/", ".env")


def text(directory: Path) -> str:
    """The text of .gitignore with the lines that it lacks; the same text if it has them all."""
    path = directory / ".gitignore"
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    present = {line.strip().strip("/") for line in before.splitlines()}
    missing = [line for line in _LINES if line.strip("/") not in present]
    if not missing:
        return before
    gap = "" if not before or before.endswith("\n") else "\n"
    return before + gap + "".join(f"{line}\n" for line in missing)
