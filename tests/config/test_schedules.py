"""Schedule expressions: only what EventBridge Scheduler documents is valid."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.config.schedules import issue_with_expression


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minute)",
        "rate(5 minutes)",
        "rate(1 hour)",
        "rate(1 day)",
        "rate(7 days)",
        "cron(0 10 * * ? *)",
        "cron(15 12 * * ? *)",
        "cron(0 18 ? * MON-FRI *)",
        "cron(0 8 1 * ? *)",
        "cron(0/15 * * * ? *)",
        "cron(*/5 * * * ? *)",
        "cron(0/5 8-17 ? * MON-FRI *)",
        "cron(0-30/10 0,12 L JAN,JUL ? 2026-2030)",
        "cron(15 10 ? * 6L 2022-2023)",
        "cron(0 0 ? * TUE#2 *)",
        "cron(0 0 ? * 3#5 *)",
        "cron(0 0 3W * ? *)",
        "cron(0 0 ? * L *)",
        "cron(0 0 29 FEB ? *)",
        "cron(0 0 30,31 4-5 ? *)",
        "at(2030-02-28T23:59:59)",
    ],
)
def test_documented_expressions_are_valid(expression: str) -> None:
    assert issue_with_expression(expression) == ""


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("", "rate(VALUE UNIT)"),
        ("every hour", "rate(VALUE UNIT)"),
        ("* * * * *", "rate(VALUE UNIT)"),
        ("rate(1 hour) ", "rate(VALUE UNIT)"),
        ("Rate(1 hour)", "rate(VALUE UNIT)"),
        ("rate(1 hours)", "singular"),
        ("rate(2 hour)", "plural"),
        ("rate(0 minutes)", "from 1"),
        ("rate(-1 minutes)", "from 1"),
        ("rate(1.5 hours)", "from 1"),
        ("rate(5 weeks)", "minutes, hours or days"),
        ("rate(5 minutess)", "minutes, hours or days"),
        ("rate(5minutes)", "minutes, hours or days"),
        ("cron(0 10 * * ?)", "six fields"),
        ("cron(0 10 * * ? * *)", "six fields"),
        ("cron(0  10 * * ? *)", "one space"),
        ("cron(0 3 * * * *)", "a ? in exactly one"),
        ("cron(0 3 ? * ? *)", "a ? in exactly one"),
        ("cron(0 3 1 * MON *)", "a ? in exactly one"),
        ("cron(60 3 * * ? *)", "0 to 59"),
        ("cron(0 24 * * ? *)", "hours"),
        ("cron(0 0 0 * ? *)", "day of month"),
        ("cron(0 0 32 * ? *)", "day of month"),
        ("cron(0 0 1 13 ? *)", "JAN to DEC"),
        ("cron(0 0 1 jan ? *)", "JAN to DEC"),
        ("cron(0 0 ? * 0 *)", "SUN to SAT"),
        ("cron(0 0 ? * FRI-MON *)", "lower to a higher"),
        ("cron(30-10 0 * * ? *)", "lower to a higher"),
        ("cron(0/0 0 * * ? *)", "after the /"),
        ("cron(0/99 0 * * ? *)", "after the /"),
        ("cron(0/x 0 * * ? *)", "after the /"),
        ("cron(0 0 ? * MON/2 *)", "no steps"),
        ("cron(0 0 ? * TUE#6 *)", "day of week"),
        ("cron(0 0 ? * 8#1 *)", "day of week"),
        ("cron(0 0 32W * ? *)", "day of month"),
        ("cron(0 0 L,1 * ? *)", "day of month"),
        ("cron(? 0 * * ? *)", "minutes"),
        ("cron(0 0 * * ? 1969)", "1970 to 2199"),
        ("cron(0 0 * * ? 2200)", "year"),
        ("cron(,0 0 * * ? *)", "minutes"),
        ("cron(1- 0 * * ? *)", "minutes"),
        ("cron(1-2-3 0 * * ? *)", "minutes"),
        ("cron(0 0 30 FEB ? *)", "occurs in one of the months"),
        ("cron(0 0 31 4,6,9,11 ? *)", "occurs in one of the months"),
        ("at(2030-02-29T00:00:00)", "exist"),
        ("at(2030-01-01)", "YYYY"),
        ("at(2030-01-01T00:00:00Z)", "without a time zone"),
        ("at(2030-01-01 00:00:00)", "YYYY"),
        ("at(２０３０-01-01T00:00:00)", "YYYY"),
    ],
)
def test_other_expressions_are_issues_with_a_reason(expression: str, word: str) -> None:
    assert word in issue_with_expression(expression)


@given(st.integers(2, 99999), st.sampled_from(["minutes", "hours", "days"]))
def test_any_rate_above_one_is_valid(value: int, unit: str) -> None:
    assert issue_with_expression(f"rate({value} {unit})") == ""


@given(st.datetimes())
def test_any_time_to_the_second_is_valid(time: datetime) -> None:
    assert issue_with_expression(f"at({time.replace(microsecond=0).isoformat()})") == ""


def cron_field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(sorted).map(lambda pair: f"{pair[0]}-{pair[1]}")
    item = st.one_of(number.map(str), span)
    stepped = st.builds("{}/{}".format, st.one_of(st.just("*"), item), st.integers(1, high))
    return st.one_of(st.just("*"), st.lists(st.one_of(item, stepped), min_size=1, max_size=3).map(",".join))


@given(cron_field(0, 59), cron_field(0, 23), cron_field(1, 28), cron_field(1, 12), cron_field(1970, 2199))
def test_any_cron_of_numbers_in_range_is_valid(minute: str, hour: str, day: str, month: str, year: str) -> None:
    assert issue_with_expression(f"cron({minute} {hour} {day} {month} ? {year})") == ""


@given(st.text(max_size=40))
def test_no_text_breaks_the_check(text: str) -> None:
    assert issue_with_expression(text)
    issue_with_expression(f"cron({text})")
    issue_with_expression(f"cron(0 0 {text} * ? *)")
