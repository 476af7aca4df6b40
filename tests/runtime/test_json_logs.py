"""Log records as lines of JSON."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from pocket.runtime import json_logs


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    found = logging.LogRecord("board.views", logging.WARNING, "views.py", 3, message, arguments, None)
    found.__dict__.update(extra)
    return found


def line(of: logging.LogRecord) -> dict[str, object]:
    text = json_logs.JsonFormatter().format(of)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


@pytest.fixture(autouse=True)
def invocation(monkeypatch: pytest.MonkeyPatch) -> json_logs.Invocation:
    found = json_logs.Invocation()
    monkeypatch.setattr(json_logs, "invocation", found)
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
    return found


def test_line_has_logger_message_and_invocation(
    invocation: json_logs.Invocation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3")
    invocation.begin("request-1")
    found = line(record("%s of %d", "one", 2))
    assert found.pop("timestamp")
    assert found == {
        "level": "WARNING",
        "logger": "board.views",
        "message": "one of 2",
        "requestId": "request-1",
        "traceId": "Root=1-2-3",
        "coldStart": True,
    }


def test_only_the_first_invocation_is_a_cold_start(invocation: json_logs.Invocation) -> None:
    marks = [line(record("starting"))["coldStart"]]
    for number in range(3):
        invocation.begin(f"request-{number}")
        marks.append(line(record("x"))["coldStart"])
    assert marks == [True, True, False, False]


def test_exception_is_in_the_same_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        found = line(record("failed", exc_info=sys.exc_info()))
    assert found["errorType"] == "ValueError"
    assert found["errorMessage"] == "two\nlines"
    assert "Traceback" in str(found["stackTrace"])


def test_extra_attributes_are_not_written() -> None:
    assert "swordfish" not in json.dumps(line(record("x", request={"password": "swordfish"}, event="swordfish")))
