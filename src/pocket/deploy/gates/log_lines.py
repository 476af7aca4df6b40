"""A function's log as a person reads it: JSON lines as text, and each traceback once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TRACEBACK = "Traceback (most recent call last):"
_BY_THE_RUNTIME = re.compile(r"\[ERROR\]\s+")
"""What Lambda's runtime writes before the exception that it reports once more."""


def readable(lines: Iterable[str]) -> list[str]:
    """The lines of `lines`, those of JSON as `LEVEL logger: message` with the stack below, without what is repeated."""
    return [*_once([text for line in lines for text in _texts(line)])]


def _texts(line: str) -> list[str]:
    """One line of the log as lines of text; Lambda ends the lines within one entry with a carriage return."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not {"message", "errorMessage"} & record.keys():
        return line.replace("\r", "\n").splitlines() or [line]
    level = record.get("level") or record.get("log_level") or ""
    said = _text(record.get("message") or f"{record.get('errorType', 'Error')}: {record.get('errorMessage', '')}")
    head = " ".join(part for part in (str(level), f"{record['logger']}:" if record.get("logger") else "") if part)
    stack = _text(record.get("stackTrace"))
    return [*f"{head} {said}".strip().splitlines(), *stack.splitlines()]


def _text(value: Any) -> str:
    """A message, or a stack: Pocket writes it as a text, Lambda as a list of lines."""
    if isinstance(value, list):
        return "\n".join(str(item).rstrip("\n") for item in value)
    return "" if value is None else str(value)


def _once(lines: list[str]) -> Iterator[str]:
    """The lines without the tracebacks that end in an exception which was told before."""
    told: set[str] = set()
    place = 0
    while place < len(lines):
        begins = place + 1 if _BY_THE_RUNTIME.match(lines[place]) else place
        if begins >= len(lines) or lines[begins] != _TRACEBACK:
            yield lines[place]
            place += 1
            continue
        end = begins + 1
        while end < len(lines) and lines[end].startswith(" "):
            end += 1
        if begins > place:
            exception = _BY_THE_RUNTIME.sub("", lines[place])
        else:
            exception = lines[end] if end < len(lines) else ""
            end += 1
        if exception not in told:
            yield from lines[place:end]
        told.add(exception)
        place = end
