"""Printing an error: message and hint on standard error, without a traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pocket.errors import ConfigError, ConfigErrors, PocketError


def report(error: PocketError) -> None:
    """Writes `error` to standard error; of ConfigErrors, each error with its place in the file."""
    errors = error.errors if isinstance(error, ConfigErrors) else (error,)
    for item in errors:
        write("error", _described(item))
        if item.hint:
            write("hint", item.hint)
    if len(errors) > 1:
        sys.stderr.write(f"{len(errors)} errors.\n")


def _described(error: PocketError) -> str:
    if not isinstance(error, ConfigError) or error.file is None:
        return error.message
    place = place_of(error.file) + (f":{error.line}" if error.line is not None else "")
    return ": ".join(part for part in (place, error.key, error.message) if part)


def place_of(path: Path) -> str:
    """`path` relative to the working directory if it is below it, else unchanged."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def write(label: str, text: str) -> None:
    """Writes `text` to standard error after its label, which is coloured on a terminal."""
    colours = {"hint": "36", "warning": "33;1", "info": "32", "debug": "2"}
    styled = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    head = f"\x1b[{colours.get(label, '31;1')}m{label}:\x1b[0m" if styled else f"{label}:"
    lines = text.rstrip().split("\n")
    sys.stderr.write("\n".join([f"{head} {lines[0]}", *(f"  {line}" for line in lines[1:])]) + "\n")
