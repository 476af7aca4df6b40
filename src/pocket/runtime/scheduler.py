"""Creates one-shot schedules that send a message to a queue and delete themselves.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pocket.runtime import aws

if TYPE_CHECKING:
    from datetime import datetime

LARGEST_INPUT = 256_000
"""Characters of a target's input; AWS's limit is 262,144."""


def send_at(
    when: datetime, queue_arn: str, body: str, *, name: str, group: str, role: str, region: str, fifo_group: str = ""
) -> None:
    """Has EventBridge Scheduler send `body` to the queue at `when`, in UTC; raises AWSCallFailed.

    `role` is the ARN of the role that sends. A second call with the same name is a ConflictException.
    """
    target: dict[str, Any] = {"Arn": queue_arn, "RoleArn": role, "Input": body}
    if fifo_group:
        target["SqsParameters"] = {"MessageGroupId": fifo_group}
    payload = {
        "ActionAfterCompletion": "DELETE",
        "ClientToken": name,  # a repeated request is the same one
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "GroupName": group,
        "ScheduleExpression": f"at({when:%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "Target": target,
    }
    body_bytes = json.dumps(payload).encode()
    aws.call_rest("scheduler", "CreateSchedule", "POST", f"/schedules/{name}", body_bytes, region=region)
