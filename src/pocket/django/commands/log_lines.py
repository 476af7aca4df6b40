"""The log of a queue's function: while a job runs, each of its lines carries the job's id."""

from __future__ import annotations

import json
import logging
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class JobLog:
    """A text stream that adds the id of the job in work: a key `jobId` to a line of JSON, else a prefix."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._job: str | None = None
        self._in_line = False

    def write(self, text: str) -> int:
        """Writes `text`, which may be any part of a line or several lines."""
        self._stream.write(text if self._job is None else self._labelled(text, self._job))
        if text:
            self._in_line = not text.endswith("\n")
        return len(text)

    def begin(self, job: str | None) -> None:
        """Lines from here on are of that job; None ends it."""
        if self._in_line:
            self.write("\n")
        self._job = job

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _labelled(self, text: str, job: str) -> str:
        in_line, parts = self._in_line, []
        # Only a line feed ends a line: a carriage return is a progress bar's.
        for line in re.findall(r"[^\n]*\n|[^\n]+", text):
            parts.append(line if in_line else _with_id(line, job))
            in_line = False
        return "".join(parts)


def _with_id(line: str, job: str) -> str:
    if line.startswith('{"') and line.endswith("}\n"):
        return f'{{"jobId": {json.dumps(job)}, {line[1:]}'
    return f"[{job}] {line}"


def install() -> None:
    """Puts a JobLog in the place of standard error, before the project's log handlers are made.

    Handlers that write to it already go on with the JobLog, too.
    """
    if isinstance(sys.stderr, JobLog):
        return
    before = sys.stderr
    log: Any = JobLog(before)
    sys.stderr = log
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is before:
            handler.setStream(log)


@contextmanager
def of_job(job: str) -> Iterator[None]:
    """Lines that are written inside carry the id of `job`."""
    log = sys.stderr
    if not isinstance(log, JobLog):
        yield
        return
    log.begin(job)
    try:
        yield
    finally:
        log.begin(None)
