"""Schedule expressions of EventBridge Scheduler: `rate(...)`, `cron(...)` with six fields, `at(...)`.

Source: Amazon EventBridge Scheduler User Guide, "Schedule types". Anything it does not document, such as a range that
wraps around, is an issue, since CloudFormation's linter and the local AWS do not detect it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

_UNITS = ("minute", "hour", "day")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True)
class _Field:
    """One field of a cron expression: `names` are aliases of the numbers from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    steps: bool = True

    def number(self, text: str) -> int | None:
        """The value of `text`; None if this field does not have such a value."""
        if text in self.names:
            return self.low + self.names.index(text)
        if re.fullmatch(r"[0-9]{1,4}", text) and self.low <= int(text) <= self.high:
            return int(text)
        return None

    @property
    def values(self) -> str:
        """The field's range, in words."""
        named = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"{self.low} to {self.high}{named}"


_DAY_OF_MONTH = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_DAY_OF_WEEK = _Field("day of week", 1, 7, _DAYS, steps=False)
_CRON_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _DAY_OF_MONTH,
    _MONTH,
    _DAY_OF_WEEK,
    _Field("year", 1970, 2199),
)


def issue_with_expression(text: str) -> str:
    """What EventBridge Scheduler expects instead of `text`, to follow "Expected"; empty if it accepts `text`."""
    match = re.fullmatch(r"(rate|cron|at)\((.*)\)", text)
    if match is None:
        return "rate(VALUE UNIT), cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR) or at(YYYY-MM-DDThh:mm:ss)"
    kind, inside = match.groups()
    if kind == "rate":
        return _issue_with_rate(inside)
    return _issue_with_time(inside) if kind == "at" else _issue_with_cron(inside)


@cache
def cron_values(name: str, value: str) -> frozenset[int]:
    """The numbers that `value` stands for in the field `name` of a valid cron expression; those of `*` are all."""
    field = next(item for item in _CRON_FIELDS if item.name == name)
    return frozenset(range(field.low, field.high + 1) if value == "*" else _numbers(field, value))


def _issue_with_rate(text: str) -> str:
    match = re.fullmatch(r"([1-9][0-9]{0,5}) ([a-z]+)", text)
    if match is None or match[2].removesuffix("s") not in _UNITS:
        return "rate(VALUE UNIT) with a whole number from 1 and minutes, hours or days"
    plural = match[1] != "1"
    if match[2].endswith("s") != plural:
        unit = match[2].removesuffix("s")
        return f"rate({match[1]} {unit}s), with a plural unit" if plural else f"rate(1 {unit}), with a singular unit"
    return ""


def _issue_with_time(text: str) -> str:
    expected = "at(YYYY-MM-DDThh:mm:ss) with a date and a time that exist, without a time zone"
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", text, re.ASCII):
        return expected
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return expected
    return ""


def _issue_with_cron(text: str) -> str:
    fields = text.split(" ")
    if len(fields) != 6 or not all(fields):
        return "six fields in cron(...), separated by one space: minutes, hours, day of month, month, day of week, year"
    for field, value in zip(_CRON_FIELDS, fields, strict=True):
        issue = _issue_with_field(field, value)
        if issue:
            return f"{issue} in the cron field {field.name}"
    _, _, day, month, weekday, _ = fields
    if (day == "?") == (weekday == "?"):
        return "a ? in exactly one of the cron fields day of month and day of week"
    return _issue_with_date(day, month)


def _issue_with_field(field: _Field, value: str) -> str:
    if value == "*":
        return ""
    if field is _DAY_OF_MONTH and (value in ("?", "L") or re.fullmatch(r"([1-9]|[12][0-9]|3[01])W", value)):
        return ""
    if field is _DAY_OF_WEEK and (value in ("?", "L") or _is_weekday_of_month(value)):
        return ""
    for part in value.split(","):
        issue = _issue_with_part(field, part)
        if issue:
            return issue
    return ""


def _is_weekday_of_month(value: str) -> bool:
    """Whether `value` is the last (`6L`) or the nth (`3#2`) of a weekday in the month."""
    match = re.fullmatch(r"([A-Z]{3}|[1-7])(L|#[1-5])", value)
    return match is not None and _DAY_OF_WEEK.number(match[1]) is not None


def _issue_with_part(field: _Field, part: str) -> str:
    span, slash, step = part.partition("/")
    if slash:
        if not field.steps:
            return "no steps"
        if not re.fullmatch(r"[1-9][0-9]{0,3}", step) or int(step) > field.high:
            return f"a whole number from 1 to {field.high} after the /"
        if span == "*":
            return ""
    first, hyphen, last = span.partition("-")
    start, end = field.number(first), field.number(last if hyphen else first)
    if start is None or end is None:
        return field.values
    return "a range from a lower to a higher value" if start > end else ""


def _issue_with_date(day: str, month: str) -> str:
    """The issue with a day that does not occur in any of the months, such as the 30th of February."""
    first_days = [int(part) for part in re.findall(r"(?:^|,)(\d+)", day)]
    months = list(_numbers(_MONTH, month))
    if first_days and months and min(first_days) > max(_LONGEST_MONTHS[number - 1] for number in months):
        return "a day that occurs in one of the months"
    return ""


def _numbers(field: _Field, value: str) -> Iterator[int]:
    """Each value that a field matches; empty if it matches all."""
    for part in () if value == "*" else value.split(","):
        span, slash, step = part.partition("/")
        first, hyphen, last = span.partition("-")
        start = field.low if first == "*" else field.number(first) or field.low
        end = field.number(last) if hyphen else field.high if slash else start
        yield from range(start, (field.high if end is None else end) + 1, int(step or 1))
