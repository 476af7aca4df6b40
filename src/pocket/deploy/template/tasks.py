"""What a stage with queues of tasks has: a group for the schedules of tasks that run later, and a role that sends them.

The functions create those schedules, one for each task, and EventBridge Scheduler deletes a schedule when it has run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.intrinsics import arn, attribute, bucket_arn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.config import StageConfig
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource

    Statement = dict[str, Any]

GROUP, ROLE = "TaskSchedules", "TaskScheduler"
PASS = "PassTaskScheduler"  # noqa: S105 - the name of a statement
TO_SCHEDULER = {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}


def task_handlers(config: StageConfig) -> list[str]:
    """The handlers that run tasks, without duplicates, in the order of their queues."""
    queues = config.awscontainer.tasks.values() if config.awscontainer else ()
    return list(dict.fromkeys(name for queue in queues for name in queue))


def task_schedules(inputs: Inputs) -> dict[str, Resource]:
    """The group; deleting it deletes the schedules in it."""
    if not task_handlers(inputs.config):
        return {}
    return {GROUP: {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": inputs.config.stack_name}}}


def sender_statements(inputs: Inputs) -> list[Statement]:
    """The statements of the role with which EventBridge Scheduler sends tasks to their queues."""
    queues = [attribute(naming.logical_id(name, "Queue"), "Arn") for name in task_handlers(inputs.config)]
    return [{"Sid": "SendJobs", "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": queues}]


def task_variables(inputs: Inputs) -> Mapping[str, Any]:
    """The variable from which the functions know the role."""
    return {naming.SCHEDULER_ROLE_KEY: f"${{{ROLE}.Arn}}"} if task_handlers(inputs.config) else {}


def task_statements(inputs: Inputs) -> list[Statement]:
    """What a function may do to send a task later, or one with large arguments."""
    config = inputs.config
    if not task_handlers(config):
        return []
    schedules = arn("scheduler", f"schedule/{config.stack_name}/task-*")
    found: list[Statement] = [
        {"Sid": "ScheduleTasks", "Effect": "Allow", "Action": ["scheduler:CreateSchedule"], "Resource": [schedules]},
        {
            "Sid": PASS,
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": [attribute(ROLE, "Arn")],
            "Condition": TO_SCHEDULER,
        },
    ]
    if config.bucket_name is not None:
        actions = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"]
        keys = bucket_arn(config.bucket_name, f"{naming.TASK_OBJECTS}*")
        found.append({"Sid": "TaskArguments", "Effect": "Allow", "Action": actions, "Resource": [keys]})
    return found
