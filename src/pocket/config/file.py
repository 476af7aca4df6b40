"""Finding `pocket.toml`, reading it and parsing its TOML."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pocket.errors import ConfigError, ConfigErrors

FILE_NAME = "pocket.toml"


def find_file(start: Path) -> Path:
    """The nearest `pocket.toml`, in the directory `start` or one above it.

    Raises ConfigError if there is none.
    """
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        path = candidate / FILE_NAME
        if path.is_file():
            return path
    raise ConfigError(
        f"{folder} and the directories above it have no {FILE_NAME}.",
        f"Create {FILE_NAME} beside the project's manage.py, or run the command inside the project.",
    )


def read_text(path: Path) -> str:
    """The file's text.

    Raises ConfigErrors if it cannot be read or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigErrors([ConfigError(f"The file cannot be read: {error.strerror}.", file=path)]) from error
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        issue = ConfigError("The file is not UTF-8 text.", "Save it as UTF-8.", file=path, line=line)
        raise ConfigErrors([issue]) from error


def parse(text: str, path: Path) -> dict[str, Any]:
    """The TOML document in `text`, which was read from `path`.

    Raises ConfigErrors, with line and column, if it is not valid TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = _where(str(error), text)
        hint = "This line or the one before it is not valid TOML; see https://toml.io."
        raise ConfigErrors([ConfigError(message, hint, file=path, line=line)]) from error
    except RecursionError as error:
        raise ConfigErrors([ConfigError("Lists or tables are nested too deeply.", file=path)]) from error


def _where(message: str, text: str) -> tuple[str, int]:
    """tomllib's message as a sentence with line and column, and the line."""
    match = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    reason = message[: match.start()] if match else message
    if match and match[1]:
        line, column = int(match[1]), int(match[2])
    else:
        lines = text.split("\n")
        line, column = len(lines), len(lines[-1]) + 1
    return f"{reason} at line {line}, column {column}.", line
