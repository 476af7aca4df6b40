"""When EventBridge Scheduler runs a `cron(...)` or `at(...)` expression in its time zone.

A time that the clocks skip in spring is not run; one that they repeat in autumn is run once:
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
The expression is one that `config.schedules` accepts. AWS does not document when a `rate(...)` begins, so its times are
not known.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pocket.config.schedules import cron_values

if TYPE_CHECKING:
    from collections.abc import Iterator

_FURTHEST = 366 * 8
"""The days to look ahead and back: the 29th of February is at most eight years away."""


def following(expression: str, timezone: str, now: datetime) -> datetime | None:
    """The first time after `now` at which the expression runs; None for a rate, and where there is none."""
    return next((moment for moment in _times(expression, timezone, now, 1) if moment > now), None)


def preceding(expression: str, timezone: str, now: datetime) -> datetime | None:
    """The last time until `now` at which the expression ran; None for a rate, and where there is none."""
    return next((moment for moment in _times(expression, timezone, now, -1) if moment <= now), None)


def interval(expression: str) -> timedelta | None:
    """The time between two runs of a rate; None for any other expression."""
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    return None if found is None else timedelta(**{f"{found[2]}s": int(found[1])})


def _times(expression: str, timezone: str, now: datetime, step: int) -> Iterator[datetime]:
    """The times from the day of `now` on, later ones with a step of 1 and earlier ones with -1, in UTC."""
    kind, _, inside = expression.rstrip(")").partition("(")
    zone = ZoneInfo(timezone)
    if kind == "at":
        yield from _real(datetime.fromisoformat(inside), zone)
    elif kind == "cron":
        minutes, hours, *days = inside.split(" ")
        clock = [
            time(hour, minute) for hour in cron_values("hours", hours) for minute in cron_values("minutes", minutes)
        ]
        # The day before and the day after: a zone's day is another than that of UTC.
        start = now.astimezone(zone).date() - timedelta(days=step)
        for day in (start + timedelta(days=step * number) for number in range(_FURTHEST)):
            if _runs_on(day, *days):
                ordered = sorted(clock, reverse=step < 0)
                yield from chain.from_iterable(_real(datetime.combine(day, moment), zone) for moment in ordered)


def _real(local: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """A local time in UTC, unless the clocks skip it."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        yield moment


def _runs_on(day: date, of_month: str, month: str, of_week: str, year: str) -> bool:
    if day.month not in cron_values("month", month) or day.year not in cron_values("year", year):
        return False
    return _matches_weekday(day, of_week) if of_month == "?" else _matches_day(day, of_month)


def _matches_day(day: date, field: str) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if field == "L":
        return day.day == last
    if field.endswith("W"):
        return day == _weekday_near(day, min(int(field[:-1]), last), last)
    return day.day in cron_values("day of month", field)


def _weekday_near(day: date, number: int, last: int) -> date:
    """The day from Monday to Friday that is nearest to that day of the month, within the month."""
    wanted = day.replace(day=number)
    if wanted.weekday() == calendar.SATURDAY:
        return wanted - timedelta(days=1) if number > 1 else wanted + timedelta(days=2)
    if wanted.weekday() == calendar.SUNDAY:
        return wanted + timedelta(days=1) if number < last else wanted - timedelta(days=2)
    return wanted


def _matches_weekday(day: date, field: str) -> bool:
    """Sunday is 1, as in the expression."""
    number = day.isoweekday() % 7 + 1
    if field == "L":
        return number == 7
    if found := re.fullmatch(r"(\w+?)(L|#(\d))", field):
        if number not in cron_values("day of week", found[1]):
            return False
        if found[2] == "L":
            return day.day + 7 > calendar.monthrange(day.year, day.month)[1]
        return (day.day - 1) // 7 + 1 == int(found[3])
    return number in cron_values("day of week", field)
