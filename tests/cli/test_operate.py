"""The shell's variables that `pocket manage` passes on, and the text of `pocket status`."""

from __future__ import annotations

import io

import pytest

from pocket.cli.operate import _show, _variable
from pocket.deploy.operate.metrics import AlarmStatus
from pocket.deploy.operate.schedule_runs import ScheduleStatus
from pocket.deploy.operate.status import EventsStatus, FunctionStatus, QueueStatus, Status
from pocket.errors import CommandFailed


def test_a_variable_has_the_shells_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "")
    assert _variable("DJANGO_SUPERUSER_PASSWORD") == ""


def test_a_variable_without_a_value_is_an_error_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\n"))
    with pytest.raises(CommandFailed, match="The variable DJANGO_SUPERUSER_PASSWORD is not set") as refused:
        _variable("DJANGO_SUPERUSER_PASSWORD")
    assert "--env DJANGO_SUPERUSER_PASSWORD" in refused.value.hint


STATUS = Status(
    account="123456789012",
    place="account 123456789012, eu-west-1",
    stack_name="pocket-dev-shop",
    stack_status="UPDATE_COMPLETE",
    functions=(FunctionStatus("pocket-dev-shop-web", "7", "Active", "2026-11-28"),),
    addresses={"web": "https://www.example.com"},
    targets={},
    queues=(
        QueueStatus("jobs", 3, 1, 1, "ValueError: no", "2026-11-28T12:00:00.123", 40),
        QueueStatus("mail", 0, 0, 0),
    ),
    events=(
        EventsStatus(
            "reports",
            (
                ScheduleStatus(
                    "cron(0 9 ? * MON *), Asia/Tokyo",
                    "failed",
                    "2026-11-23T00:00:00+00:00",
                    "2026-11-30T00:00:00+00:00",
                ),
                ScheduleStatus("rate(1 hour), UTC", "missed"),
                ScheduleStatus("rate(1 day), UTC, not enabled", enabled=False),
            ),
            1,
        ),
    ),
    alarms=(
        AlarmStatus("web", "errors", "OK", "2026-11-28T03:00:00+00:00", "An invocation failed."),
        AlarmStatus("jobs", "dead_letters", "ALARM", "2026-11-28T03:05:10+00:00", "A message is dead."),
        AlarmStatus("jobs", "errors", "missing", "", "An invocation failed."),
    ),
    unconfirmed="team@example.com",
)


def test_the_status_shows_runs_ages_and_alarms(capsys: pytest.CaptureFixture[str]) -> None:
    _show(STATUS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("web: https://www.example.com") + 1 :] == [
        "jobs: 3 waiting, the oldest 40 s old, 1 in flight, 1 failed",
        "  last error, 2026-11-28T12:00:00: ValueError: no",
        "mail: 0 waiting, 0 in flight, 0 failed",
        "reports: 1 failed event",
        "  cron(0 9 ? * MON *), Asia/Tokyo",
        "    last run: failed 2026-11-23 00:00 UTC; next: 2026-11-30 00:00 UTC",
        "  rate(1 hour), UTC",
        "    last run: missed; next: not known",
        "  rate(1 day), UTC, not enabled",
        "alarms: 1 ALARM, 1 OK, 1 missing",
        "  ALARM since 2026-11-28 03:05 UTC: jobs dead_letters: A message is dead.",
        "  missing: jobs errors: An invocation failed.",
        "  team@example.com gets no alarms: the subscription that AWS sent to it is not confirmed.",
    ]
