"""The last and the next run of a stage's schedules.

AWS keeps no record of a schedule's runs. Whether one took place is known by the invocations and errors of its function,
which CloudWatch counts for each minute, around the time at which the schedule was due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.operate import metrics
from pocket.deploy.operate.occurrences import following, interval, preceding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pocket.config import StageConfig
    from pocket.config.tables.handlers import Schedule
    from pocket.deploy.aws.session import Clients

_WITHIN = timedelta(minutes=10)
"""EventBridge Scheduler tries for five minutes to deliver a run, and metrics arrive some minutes late."""

_KEPT = ((timedelta(days=14), 60), (timedelta(days=60), 300))
"""How long CloudWatch keeps metrics for each number of seconds; those for an hour are kept 15 months."""
_HOUR = 3600


@dataclass(frozen=True)
class ScheduleStatus:
    """A schedule in words, without its input, which may be a secret; times are UTC, in ISO format.

    `state` is `ran`, `failed` or `missed` at `last`; "" if it was not due since it was deployed or changed, or if that
    is not known yet. `next` is "" for a rate, whose times AWS does not document, and if there is none.
    """

    text: str
    state: str = ""
    last: str = ""
    next: str = ""
    enabled: bool = True


def read(
    clients: Clients,
    stage: StageConfig,
    handler: str,
    declared: Sequence[Schedule],
    changed: Mapping[str, datetime],
    *,
    now: datetime,
) -> tuple[ScheduleStatus, ...]:
    """The handler's schedules; `changed` has the time at which each resource of the stack was changed, by its id."""
    found = []
    for number, schedule in enumerate(declared, 1):
        since = changed.get(naming.logical_id(handler, f"Schedule{number}"))
        if not schedule.enabled or since is None:
            found.append(ScheduleStatus(_told(schedule), enabled=schedule.enabled))
            continue
        state, last = _last(clients, stage.function_name(handler), schedule, since, now)
        upcoming = following(schedule.expression, schedule.timezone, now)
        found.append(ScheduleStatus(_told(schedule), state, _text(last), _text(upcoming)))
    return tuple(found)


def _told(schedule: Schedule) -> str:
    what = f": {schedule.command}" if schedule.manage else ""
    off = "" if schedule.enabled else ", not enabled"
    return f"{schedule.expression}, {schedule.timezone}{off}{what}"


def _last(
    clients: Clients, function: str, schedule: Schedule, since: datetime, now: datetime
) -> tuple[str, datetime | None]:
    """State and time of the last run of a schedule that was changed at `since`."""
    if (every := interval(schedule.expression)) is not None:
        return _last_of_rate(clients, function, every, since, now)
    due = preceding(schedule.expression, schedule.timezone, now)
    if due is None or due < since:
        return "", None
    runs = metrics.invocations(clients, function, due, min(now, due + _WITHIN), _period(now - due))
    if runs:
        return _outcome(any(runs.values())), due
    return ("missed", due) if now - due >= _WITHIN else ("", None)


def _last_of_rate(
    clients: Clients, function: str, every: timedelta, since: datetime, now: datetime
) -> tuple[str, datetime | None]:
    """The same of a rate: within its interval the function was invoked, or the run was missed."""
    start = now - every - _WITHIN
    runs = metrics.invocations(clients, function, max(start, since), now, _period(now - start))
    if runs:
        last = max(runs)
        return _outcome(runs[last] > 0), last
    return ("missed" if since < start else ""), None


def _outcome(failed: bool) -> str:
    return "failed" if failed else "ran"


def _period(age: timedelta) -> int:
    """The shortest seconds for which CloudWatch still has metrics of that age."""
    return next((seconds for kept, seconds in _KEPT if age < kept), _HOUR)


def _text(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
