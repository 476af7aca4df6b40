"""Files of NAME=VALUE lines, in the form that django-environ and Docker Compose read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocket.cli.failure import place_of
from pocket.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def read(path: Path) -> dict[str, str]:
    """The values by name; of a name that occurs twice, the last.

    A value in double quotes has its escapes replaced, one in single quotes is literal, and one without quotes ends at
    ` #`. Raises ConfigError with the line for anything else, without repeating its text, and for a file that cannot
    be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{place_of(path)} cannot be read: {reason}.") from None
    found = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        value = None if match is None else _unquoted(match["value"])
        if match is None or value is None:
            hint = "A value with spaces at its ends, quotes or # is written in quotes, on one line."
            raise ConfigError("Expected NAME=VALUE.", hint, file=path, line=number)
        found[match["name"]] = value
    return found


def _unquoted(text: str) -> str | None:
    """The value that `text` stands for; None if its quotes do not match."""
    quote = text[:1]
    if quote not in {'"', "'"}:
        return re.split(r"\s#", text, maxsplit=1)[0].rstrip()
    body = r"[^']*" if quote == "'" else r'(?:[^"\\]|\\.)*'
    match = re.fullmatch(rf"{quote}({body}){quote}\s*(?:#.*)?", text)
    if match is None:
        return None
    if quote == "'":
        return match[1]
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), match[1])
