"""A function's log: as readable text, with each traceback once, and the time of its INIT.

Lambda writes its reports as lines of text or, if the function's log format is JSON, as objects:
https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html,
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html and, for a start from a snapshot,
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html.
"""

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

_REPORT = re.compile(r"REPORT RequestId: ")
_START = re.compile(r"\s(?:Init|(?<!Billed )Restore) Duration: (\d+(?:\.\d+)?) ms")
_INIT_REPORT = re.compile(r"INIT_REPORT Init Duration: (\d+(?:\.\d+)?) ms")

_METRICS = {
    "platform.report": ("initDurationMs", "restoreDurationMs"),
    "platform.restoreReport": ("durationMs",),
    "platform.initReport": ("durationMs",),
}


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


def init_ms(log_tail: str) -> float | None:
    """Milliseconds of INIT, or of a snapshot's restore; None if the environment was warm.

    `log_tail` is the decoded LogResult of an invocation. The invocation's report has precedence over those of its
    phases, and the last of each, since that is Lambda's own and not a function's output.
    """
    report = phase = None
    for line in log_tail.splitlines():
        if _REPORT.match(line):
            report = _number(_START.search(line))
        elif found := _INIT_REPORT.match(line):
            phase = _number(found)
        elif line.startswith("{"):
            kind, value = _from_json(line)
            if kind == "platform.report":
                report = value
            elif kind:
                phase = value
    return phase if report is None else report


def _number(found: re.Match[str] | None) -> float | None:
    return float(found[1]) if found else None


def _from_json(line: str) -> tuple[str, float | None]:
    """The type of a platform event and its time in milliseconds; "" for any other line."""
    try:
        event: Any = json.loads(line)
        kind, metrics = event["type"], event["record"]["metrics"]
        values = [metrics[name] for name in _METRICS.get(kind, ()) if name in metrics]
        return (kind, float(values[0]) if values else None) if kind in _METRICS else ("", None)
    except (KeyError, RecursionError, TypeError, ValueError):
        return "", None
