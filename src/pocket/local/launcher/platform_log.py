"""The lines that Lambda itself writes around a function's own: START, END, REPORT and INIT_REPORT.

Follows https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html, and for a start that failed
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html.
"""

from __future__ import annotations

import math
import resource
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Times:
    """Seconds of one invocation; `init` is None for a warm environment."""

    handler: float = 0.0
    init: float | None = None


@dataclass(frozen=True)
class Memory:
    """The function's memory limit and its peak use, in MB."""

    size: int
    used: int


def whole_log(text: str, *, request_id: str, version: str, times: Times, memory: Memory) -> str:
    """The lines of one invocation for the log group and the log tail; `text` are the function's own lines."""
    lines = [f"START RequestId: {request_id} Version: {version}", *text.splitlines()]
    lines += [f"END RequestId: {request_id}", _report(request_id, times, memory)]
    return "\n".join(lines)


def failed_init(seconds: float, error_type: str) -> str:
    """The line of a start that failed; Lambda reports no init of such an invocation."""
    return f"INIT_REPORT Init Duration: {_ms(seconds)} ms\tPhase: init\tStatus: error\tError Type: {error_type}"


def _report(request_id: str, times: Times, memory: Memory) -> str:
    facts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {_ms(times.handler)} ms",
        f"Billed Duration: {math.ceil((times.handler + (times.init or 0.0)) * 1000)} ms",
        f"Memory Size: {memory.size} MB",
        f"Max Memory Used: {memory.used} MB",
    ]
    if times.init is not None:
        facts.append(f"Init Duration: {_ms(times.init)} ms")
    return "\t".join((*facts, ""))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f}"


def peak_memory(process: int | None) -> int:
    """A running process's peak memory in MB; where that is not known, that of the largest process that ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) >> 10
    except (OSError, IndexError):
        unit = 20 if sys.platform == "darwin" else 10
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> unit
