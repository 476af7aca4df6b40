"""What CloudWatch knows of a stage: the states of its alarms, ages of messages, and invocations of functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.alarms import declared_alarms, topic_name
from pocket.errors import AWSCallFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.stacks.stack import Stack
    from pocket.deploy.template.alarms import Alarm

_MOST_NAMES = 100
_ABSENT_TOPIC = {"NotFound", "NotFoundException"}
_RECENT = timedelta(minutes=15)
"""SQS sends its metrics each minute while a queue is in use; they arrive some minutes late."""


@dataclass(frozen=True)
class AlarmStatus:
    """An alarm of a handler: `state` is CloudWatch's, or `missing`; `since` in ISO format; `what` is its condition."""

    handler: str
    kind: str
    state: str
    since: str
    what: str


def alarm_states(clients: Clients, stage: StageConfig) -> tuple[AlarmStatus, ...]:
    """The state of each alarm that the file declares."""
    declared = declared_alarms(stage)
    found: dict[str, Any] = {}
    for start in range(0, len(declared), _MOST_NAMES):
        names = [alarm.name(stage) for alarm in declared[start : start + _MOST_NAMES]]
        answer = clients.cloudwatch.describe_alarms(AlarmNames=names, MaxRecords=_MOST_NAMES)
        found.update({item["AlarmName"]: item for item in answer["MetricAlarms"]})
    return tuple(_state(alarm, found.get(alarm.name(stage))) for alarm in declared)


def _state(alarm: Alarm, facts: Mapping[str, Any] | None) -> AlarmStatus:
    if facts is None:
        return AlarmStatus(alarm.handler, alarm.kind, "missing", "", alarm.text)
    since = facts["StateUpdatedTimestamp"].isoformat()
    return AlarmStatus(alarm.handler, alarm.kind, facts["StateValue"], since, alarm.text)


def unconfirmed(clients: Clients, stage: StageConfig, stack: Stack) -> str:
    """The address that has not confirmed its subscription to the stage's alarms; "" without one."""
    email = stage.alarms.email if stage.alarms is not None else None
    if email is None:
        return ""
    _, partition, _, region, account, _ = stack.stack_id.split(":", 5)
    topic = f"arn:{partition}:sns:{region}:{account}:{topic_name(stage)}"
    try:
        listed = clients.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    except AWSCallFailed as error:
        if error.code in _ABSENT_TOPIC:
            return ""
        raise
    pending = {item["Endpoint"] for item in listed if not item["SubscriptionArn"].startswith("arn:")}
    return email if email in pending else ""


def oldest_messages(clients: Clients, queues: Sequence[str]) -> dict[str, int]:
    """The age in seconds of the oldest message of each queue; without those for which CloudWatch has no recent value.

    The queues are named, at most 500.
    """
    if not queues:
        return {}
    now = datetime.now(UTC)
    wanted = [
        _query(f"q{number}", ("AWS/SQS", "ApproximateAgeOfOldestMessage"), {"QueueName": queue}, "Maximum", 60)
        for number, queue in enumerate(queues)
    ]
    found = _values(clients, wanted, now - _RECENT, now)
    return {queue: int(values[max(values)]) for number, queue in enumerate(queues) if (values := found[f"q{number}"])}


def invocations(clients: Clients, function: str, start: datetime, end: datetime, period: int) -> dict[datetime, int]:
    """The periods, of so many seconds, in which `live` of the function was invoked, with the number of its errors in
    each. Invocations by the gates of a deploy do not go through `live`."""
    dimensions = {"FunctionName": function}
    if clients.target.counts_live:
        dimensions["Resource"] = f"{function}:{naming.ALIAS}"
    first = datetime.fromtimestamp(start.timestamp() // period * period, UTC)
    wanted = [
        _query(metric.lower(), ("AWS/Lambda", metric), dimensions, "Sum", period)
        for metric in ("Invocations", "Errors")
    ]
    found = _values(clients, wanted, first, max(end, first + timedelta(seconds=period)))
    errors = found["errors"]
    return {moment: int(errors.get(moment, 0)) for moment, count in found["invocations"].items() if count}


def _query(
    name: str, metric: tuple[str, str], dimensions: Mapping[str, str], statistic: str, period: int
) -> dict[str, Any]:
    """A query of CloudWatch; the metric by its namespace and name."""
    wanted = {
        "Namespace": metric[0],
        "MetricName": metric[1],
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"Id": name, "MetricStat": {"Metric": wanted, "Period": period, "Stat": statistic}}


def _values(
    clients: Clients, wanted: Sequence[dict[str, Any]], start: datetime, end: datetime
) -> dict[str, dict[datetime, float]]:
    """The values of each query by their time."""
    found: dict[str, dict[datetime, float]] = {item["Id"]: {} for item in wanted}
    pages = clients.cloudwatch.get_paginator("get_metric_data")
    for page in pages.paginate(MetricDataQueries=list(wanted), StartTime=start, EndTime=end):
        for item in page["MetricDataResults"]:
            found[item["Id"]].update(zip(item["Timestamps"], item["Values"], strict=True))
    return found
