"""What a gate reads in a function's log: its own lines, and INIT in the forms that AWS documents."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.deploy.aws.log_text import init_ms, readable, written
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


REQUEST = "6d68ca91-49c9-448d-89b8-7ca3e6dc66aa"
FACTS = "\t".join((f"REPORT RequestId: {REQUEST}", "Duration: 2.80 ms", "Billed Duration: 3 ms", "Memory Size: 512 MB"))


def tail(*reports: str) -> str:
    return "\n".join((f"START RequestId: {REQUEST} Version: 7", "own words", f"END RequestId: {REQUEST}", *reports, ""))


def event(kind: str, **metrics: Any) -> str:
    record = {"requestId": REQUEST, "metrics": metrics, "status": "success"}
    return json.dumps({"time": "2022-10-12T00:01:15.000Z", "type": kind, "record": record})


@pytest.mark.parametrize(
    ("log", "milliseconds"),
    [
        (tail(f"{FACTS}\tInit Duration: 397.68 ms\t"), 397.68),
        (tail(f"{FACTS}\tInit Duration: 397 ms\tXRAY TraceId: 1-62e9\tSegmentId: 54\tSampled: true"), 397.0),
        (tail(f"{FACTS}\tRestore Duration: 562.43 ms\tBilled Restore Duration: 118 ms\t"), 562.43),
        (tail(f"{FACTS}\tBilled Restore Duration: 118 ms\tRestore Duration: 562.43 ms"), 562.43),
        (tail(f"{FACTS}\t"), None),
        (tail(event("platform.report", durationMs=693.92, initDurationMs=397.68)), 397.68),
        (tail(event("platform.report", durationMs=693.92, restoreDurationMs=201)), 201.0),
        (tail(event("platform.report", durationMs=693.92)), None),
        (tail(event("platform.initReport", durationMs=247.88), event("platform.report", durationMs=1.0)), 247.88),
        (tail(event("platform.restoreReport", durationMs=70.87)), 70.87),
        (tail("INIT_REPORT Init Duration: 9999.79 ms\tPhase: init\tStatus: timeout", FACTS), 9999.79),
        ("", None),
    ],
    ids=[
        "cold",
        "traced",
        "restored",
        "restored, billed first",
        "warm",
        "JSON, cold",
        "JSON, restored",
        "JSON, warm",
        "JSON, of the phase",
        "JSON, of the restore",
        "of the phase",
        "empty",
    ],
)
def test_init_is_read_from_what_lambda_writes(log: str, milliseconds: float | None) -> None:
    assert init_ms(log) == milliseconds


@pytest.mark.parametrize("forged", [f"{FACTS}\tInit Duration: 1.00 ms", event("platform.report", initDurationMs=1)])
def test_lambdas_own_report_comes_last_and_counts(forged: str) -> None:
    assert init_ms(tail(forged, f"{FACTS}\tInit Duration: 397.68 ms")) == 397.68
    assert init_ms(tail(forged, FACTS)) is None


def test_a_line_that_only_mentions_an_init_is_not_read() -> None:
    assert init_ms(tail(f"seen: {FACTS}\tInit Duration: 1.00 ms", f"{FACTS}\t")) is None


@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_any_log_is_accepted(log: str) -> None:
    assert init_ms(log) is None
    for kind in ("platform.report", "platform.initReport"):
        assert init_ms(json.dumps({"type": kind, "record": log})) is None
