"""A function's log as readable text: JSON lines as plain lines, and each traceback once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHOWN = 20
"""Lines of a function's log that an error shows."""

_TRACEBACK = "Traceback (most recent call last):"
_BY_THE_RUNTIME = re.compile(r"\[ERROR\]\s+")
"""The prefix of an exception that Lambda's runtime logs again."""

_BY_LAMBDA = re.compile(
    r'(?:START|END|REPORT) RequestId|INIT_REPORT|INIT_START|RESTORE_(?:START|REPORT)|\{.*"type": ?"platform\.'
)
"""The beginning of a line that Lambda writes itself, as text or as JSON."""


def written(lines: Iterable[str]) -> str:
    """The last SHOWN of a log's lines that the function wrote itself, as readable text."""
    own = [line for line in lines if not _BY_LAMBDA.match(line)]
    return "\n".join(readable(own[-SHOWN:]))


def readable(lines: Iterable[str]) -> list[str]:
    """The lines as text, without repeated tracebacks; a JSON line becomes `LEVEL logger: message` and its stack."""
    return [*_once([text for line in lines for text in _texts(line)])]


def _texts(line: str) -> list[str]:
    """The lines of text in one log entry, which Lambda separates with carriage returns."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not {"message", "errorMessage"} & record.keys():
        return line.replace("\r", "\n").splitlines() or [line]
    level = record.get("level") or record.get("log_level") or ""
    message = _text(record.get("message") or f"{record.get('errorType', 'Error')}: {record.get('errorMessage', '')}")
    head = " ".join(part for part in (str(level), f"{record['logger']}:" if record.get("logger") else "") if part)
    stack = _text(record.get("stackTrace"))
    return [*f"{head} {message}".strip().splitlines(), *stack.splitlines()]


def _text(value: Any) -> str:
    """A message or stack trace as text: in Pocket's lines a stack trace is one string, in Lambda's a list of lines."""
    if isinstance(value, list):
        return "\n".join(str(item).rstrip("\n") for item in value)
    return "" if value is None else str(value)


def _once(lines: list[str]) -> Iterator[str]:
    """The lines without repeated tracebacks of an exception."""
    shown: set[str] = set()
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
        if exception not in shown:
            yield from lines[place:end]
        shown.add(exception)
        place = end
