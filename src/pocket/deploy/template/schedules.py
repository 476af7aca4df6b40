"""EventBridge Scheduler schedules that send a management command or an event to a handler's alias."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.failed_events import failures_id
from pocket.deploy.template.intrinsics import attribute, literal, ref
from pocket.deploy.template.role import role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocket.config.tables.handlers import Schedule
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource

DESCRIPTION_LIMIT = 512

DELIVERY = {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 10}
"""Scheduler retries only the delivery, never a command that failed, so retrying is safe. It gives up after five
minutes: a command that starts hours late would overlap its next run."""


def schedules(inputs: Inputs, handler: str, declared: Sequence[Schedule]) -> dict[str, Resource]:
    """The handler's schedules, and the role that invokes its alias."""
    if not declared:
        return {}
    invoker, alias = naming.logical_id(handler, "ScheduleInvoker"), ref(naming.logical_id(handler, "Alias"))
    failures = attribute(failures_id(handler), "Arn")
    allowed = [
        {"Sid": "Invoke", "Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [alias]},
        {"Sid": "KeepFailures", "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [failures]},
    ]
    found = {
        invoker: role(
            inputs,
            "scheduler.amazonaws.com",
            allowed,
            StringEquals={"aws:SourceAccount": ref("AWS::AccountId")},
        )
    }
    for number, schedule in enumerate(declared, 1):
        found[naming.logical_id(handler, f"Schedule{number}")] = _schedule(handler, schedule)
    return found


def _schedule(handler: str, schedule: Schedule) -> Resource:
    target: dict[str, Any] = {
        "Arn": ref(naming.logical_id(handler, "Alias")),
        "RoleArn": attribute(naming.logical_id(handler, "ScheduleInvoker"), "Arn"),
        "RetryPolicy": dict(DELIVERY),
        "DeadLetterConfig": {"Arn": attribute(failures_id(handler), "Arn")},
    }
    if schedule.manage is not None:
        body = {"command": schedule.command, "args": schedule.arguments, "kwargs": {}}
        target["Input"] = literal(json.dumps(body))
    elif schedule.input is not None:
        target["Input"] = literal(json.dumps(schedule.input))
    properties: dict[str, Any] = {
        "ScheduleExpression": schedule.expression,
        "ScheduleExpressionTimezone": schedule.timezone,
        "State": "ENABLED" if schedule.enabled else "DISABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }
    if schedule.manage is not None:
        properties["Description"] = literal(schedule.manage[:DESCRIPTION_LIMIT])
    return {"Type": "AWS::Scheduler::Schedule", "Properties": properties}
