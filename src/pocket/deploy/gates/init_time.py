"""How long a function took to start, from the log of the first invocation.

Lambda writes it as a line of text or, where the function's log format is JSON, as an object:
https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html,
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html and, for a start from a snapshot,
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html.
"""

from __future__ import annotations

import json
import re
from typing import Any

_REPORT = re.compile(r"REPORT RequestId: ")
_START = re.compile(r"\s(?:Init|(?<!Billed )Restore) Duration: (\d+(?:\.\d+)?) ms")
_INIT_REPORT = re.compile(r"INIT_REPORT Init Duration: (\d+(?:\.\d+)?) ms")

_METRICS = {
    "platform.report": ("initDurationMs", "restoreDurationMs"),
    "platform.restoreReport": ("durationMs",),
    "platform.initReport": ("durationMs",),
}


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
