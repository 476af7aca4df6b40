"""EventBridge Scheduler schedules that send a management command to a handler's alias."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.template.intrinsics import literal, ref
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
    allowed = [{"Sid": "Invoke", "Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [alias]}]
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
    body = {"command": schedule.command, "args": schedule.arguments, "kwargs": {}}
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Description": literal(schedule.manage[:DESCRIPTION_LIMIT]),
            "ScheduleExpression": schedule.expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": ref(naming.logical_id(handler, "Alias")),
                "RoleArn": {"Fn::GetAtt": [naming.logical_id(handler, "ScheduleInvoker"), "Arn"]},
                "Input": literal(json.dumps(body)),
                "RetryPolicy": dict(DELIVERY),
            },
        },
    }
