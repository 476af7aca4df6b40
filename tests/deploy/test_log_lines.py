"""What a gate shows of a function's log."""

from __future__ import annotations

import json
import logging
import sys

from pocket.deploy.aws.log_lines import readable, written
from pocket.runtime.json_logs import JsonFormatter

TRACEBACK = ["Traceback (most recent call last):", '  File "app.py", line 1, in <module>', "    1 / 0"]


def test_a_json_line_is_written_out_with_its_traceback() -> None:
    try:
        raise ValueError("no such thing\nat all")
    except ValueError:
        record = logging.LogRecord("shop", logging.ERROR, "", 0, "It failed.", None, sys.exc_info())
    found = readable([JsonFormatter().format(record)])
    assert found[0] == "ERROR shop: It failed."
    assert found[1] == "Traceback (most recent call last):"
    assert found[-2:] == ["ValueError: no such thing", "at all"]


def test_lambdas_own_json_is_written_out() -> None:
    line = {
        "log_level": "ERROR",
        "errorType": "KeyError",
        "errorMessage": "'A'",
        "stackTrace": ["  File a\n", "    b\n"],
    }
    assert readable([json.dumps(line)]) == ["ERROR KeyError: 'A'", "  File a", "    b"]


def test_what_a_function_wrote_leaves_out_lambdas_own_lines() -> None:
    line = {"level": "ERROR", "logger": "shop", "message": "It failed.", "stackTrace": "\n".join(TRACEBACK)}
    started = json.dumps({"time": "2026-11-21T06:10:00Z", "type": "platform.start", "record": {"requestId": "1"}})
    tail = ["START RequestId: 1", started, json.dumps(line), "END RequestId: 1", "REPORT RequestId: 1 Duration: 2 ms"]
    assert written(tail) == "\n".join(["ERROR shop: It failed.", *TRACEBACK])
    assert written([]) == ""


def test_other_lines_stay_and_carriage_returns_end_lines() -> None:
    assert readable(["plain", '{"other": 1}', "[1]", "", "one\rtwo"]) == [
        "plain",
        '{"other": 1}',
        "[1]",
        "",
        "one",
        "two",
    ]


def test_a_traceback_is_shown_once() -> None:
    printed = [*TRACEBACK, "ZeroDivisionError: division by zero"]
    by_the_runtime = "\r".join(["[ERROR] ZeroDivisionError: division by zero", *TRACEBACK])
    assert readable([*printed, by_the_runtime, "after"]) == [*printed, "after"]
    assert readable([by_the_runtime, by_the_runtime]) == by_the_runtime.split("\r")
    other = [*TRACEBACK, "KeyError: 'A'"]
    assert readable([*printed, *other, *printed]) == [*printed, *other]
