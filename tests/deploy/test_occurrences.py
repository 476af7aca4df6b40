"""When schedules run, by the examples and the words of EventBridge Scheduler's documentation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.deploy.operate.occurrences import following, interval, preceding

NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)  # a Saturday


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "timezone", "before", "after"),
    [
        ("cron(0 3 * * ? *)", "UTC", "2026-11-28 03:00", "2026-11-29 03:00"),
        ("cron(30 12 * * ? *)", "UTC", "2026-11-28 12:30", "2026-11-29 12:30"),
        ("cron(0 9 ? * MON *)", "Asia/Tokyo", "2026-11-23 00:00", "2026-11-30 00:00"),
        ("cron(0 22 * * ? *)", "Asia/Tokyo", "2026-11-27 13:00", "2026-11-28 13:00"),
        ("cron(0/15 * * * ? *)", "UTC", "2026-11-28 12:30", "2026-11-28 12:45"),
        ("cron(15 10 ? * 6L 2026-2027)", "UTC", "2026-11-27 10:15", "2026-12-25 10:15"),
        ("cron(0 8 ? * 3#1 *)", "UTC", "2026-11-03 08:00", "2026-12-01 08:00"),
        ("cron(0 0 L * ? *)", "UTC", "2026-10-31 00:00", "2026-11-30 00:00"),
        ("cron(0 0 28W * ? *)", "UTC", "2026-11-27 00:00", "2026-12-28 00:00"),
        ("cron(0 0 1W 8 ? *)", "UTC", "2026-08-03 00:00", "2027-08-02 00:00"),
        ("cron(0 0 29 2 ? *)", "UTC", "2024-02-29 00:00", "2028-02-29 00:00"),
        ("cron(0 0 ? * L *)", "UTC", "2026-11-28 00:00", "2026-12-05 00:00"),
        ("at(2026-12-01T09:00:00)", "Asia/Tokyo", None, "2026-12-01 00:00"),
        ("at(2026-11-01T09:00:00)", "UTC", "2026-11-01 09:00", None),
        ("cron(0 0 1 1 ? 2020)", "UTC", "2020-01-01 00:00", None),
        ("rate(1 hour)", "UTC", None, None),
    ],
)
def test_the_runs_around_a_moment(expression: str, timezone: str, before: str | None, after: str | None) -> None:
    assert preceding(expression, timezone, NOW) == (before and moment(before))
    assert following(expression, timezone, NOW) == (after and moment(after))


def test_a_time_that_the_clocks_skip_is_not_run_and_a_repeated_one_once() -> None:
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert following("cron(30 2 * * ? *)", "Europe/Berlin", spring) == moment("2026-03-30 00:30")
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    first = following("cron(30 2 * * ? *)", "Europe/Berlin", autumn)
    assert first == moment("2026-10-25 00:30")
    assert following("cron(30 2 * * ? *)", "Europe/Berlin", first) == moment("2026-10-26 01:30")


@given(
    st.integers(0, 59),
    st.integers(0, 23),
    st.sampled_from(["UTC", "Asia/Kathmandu", "Pacific/Auckland", "America/St_Johns"]),
    st.integers(0, 3_000_000),
)
def test_of_a_daily_run_one_is_never_more_than_two_days_away(minute: int, hour: int, zone: str, since: int) -> None:
    now, expression = NOW + timedelta(minutes=since), f"cron({minute} {hour} * * ? *)"
    last, next_ = preceding(expression, zone, now), following(expression, zone, now)
    assert last is not None
    assert next_ is not None
    assert last <= now < next_ <= last + timedelta(days=2, hours=1)
    assert following(expression, zone, last - timedelta(seconds=1)) == last


def test_the_interval_of_a_rate() -> None:
    assert interval("rate(1 hour)") == timedelta(hours=1)
    assert interval("rate(15 minutes)") == timedelta(minutes=15)
    assert interval("cron(0 3 * * ? *)") is None
