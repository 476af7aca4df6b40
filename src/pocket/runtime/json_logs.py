"""Log records as lines of JSON, with the keys of Lambda's JSON logs.

https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
"""

from __future__ import annotations

import json
import logging
import os
import time


class Invocation:
    """The current invocation. Lambda runs one at a time in a process, so one object is enough."""

    __slots__ = ("cold_start", "request_id")

    def __init__(self) -> None:
        self.request_id: str | None = None
        self.cold_start = True

    def begin(self, request_id: str | None) -> None:
        """Marks the start of an invocation; all but the first are warm."""
        self.cold_start = self.request_id is None
        self.request_id = request_id or "-"


invocation = Invocation()


class JsonFormatter(logging.Formatter):
    """Writes timestamp, level, logger, message, coldStart, requestId, traceId, and an exception's type, text and stack.

    Other attributes of the record are not written, since a project may attach any object, such as a request.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "timestamp": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "coldStart": invocation.cold_start,
        }
        if invocation.request_id:
            line["requestId"] = invocation.request_id
        trace = os.environ.get("_X_AMZN_TRACE_ID")
        if trace:
            line["traceId"] = trace
        if record.exc_info and record.exc_info[0] is not None:
            line["errorType"] = record.exc_info[0].__name__
            line["errorMessage"] = str(record.exc_info[1])
            line["stackTrace"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stackInfo"] = self.formatStack(record.stack_info)
        return json.dumps(line, default=str)
