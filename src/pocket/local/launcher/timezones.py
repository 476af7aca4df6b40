"""Schedules in the time zone that they name: MiniStack takes all times as UTC, and drops the zone in templates."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pocket.local.launcher.emulator import module

if TYPE_CHECKING:
    from collections.abc import Callable

KIND, KEY, DEFAULT = "AWS::Scheduler::Schedule", "ScheduleExpressionTimezone", "UTC"


class Zoned(str):
    """An expression with its zone, for MiniStack's functions that take the expression alone."""

    zone: str

    def __new__(cls, text: str, zone: str = DEFAULT) -> Zoned:
        made = super().__new__(cls, text)
        made.zone = zone
        return made


class Fields(tuple[Any, ...]):
    """The fields of a cron expression with its zone."""

    zone: str


def install() -> None:
    """Replace how the times of a schedule are computed, and how a template makes one."""
    scheduler, events = module("services.scheduler"), module("services.eventbridge")
    tick, at, parse, following = (
        scheduler._tick_schedules,
        scheduler._at_time_epoch,
        events._parse_cron_fields,
        events._cron_next_fire,
    )

    def tick_zoned() -> None:
        for record in list(scheduler._schedules._data.values()):
            record["ScheduleExpression"] = Zoned(record["ScheduleExpression"], record.get(KEY) or DEFAULT)
        tick()

    def parse_zoned(expression: str) -> Any:
        fields = parse(expression)
        if fields is None or not isinstance(expression, Zoned):
            return fields
        found = Fields(fields)
        found.zone = expression.zone
        return found

    def following_zoned(fields: Any, after: datetime) -> datetime | None:
        zoned = after.astimezone(ZoneInfo(fields.zone)) if isinstance(fields, Fields) else after
        found: datetime | None = following(fields, zoned)
        return found

    def at_zoned(expression: str) -> float | None:
        seconds: float | None = at(expression)
        if seconds is None or not isinstance(expression, Zoned):
            return seconds
        local = datetime.fromisoformat(expression.strip()[3:-1].strip())
        return local.replace(tzinfo=ZoneInfo(expression.zone)).timestamp()

    scheduler._tick_schedules, scheduler._at_time_epoch = tick_zoned, at_zoned
    events._parse_cron_fields, events._cron_next_fire = parse_zoned, following_zoned
    handlers = module("services.cloudformation.provisioners")._RESOURCE_HANDLERS[KIND]
    for step in ("create", "update"):
        handlers[step] = with_zone(handlers[step], scheduler._schedules)


def with_zone(change: Callable[..., Any], schedules: Any) -> Callable[..., Any]:
    """`change`, which makes or updates a schedule of a template, with the zone of its properties."""

    def changed(*arguments: Any) -> Any:
        name, attributes = change(*arguments)
        properties = arguments[-2]
        record = schedules.get(f"{properties.get('GroupName', 'default')}/{name}")
        if record is not None:
            record[KEY] = properties.get(KEY, DEFAULT)
        return name, attributes

    return changed
