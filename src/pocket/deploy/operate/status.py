"""The status of a deployed stage: its stack, functions, addresses, queues, schedules and alarms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.aws.account import account_id, place
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import metrics, schedule_runs
from pocket.deploy.operate.dead_letters import last_reason
from pocket.deploy.stacks import lock
from pocket.deploy.stacks.losses import depth
from pocket.deploy.stacks.stack import find
from pocket.deploy.template.outputs import addresses, targets
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.config import StageConfig
    from pocket.deploy.operate.metrics import AlarmStatus
    from pocket.deploy.operate.schedule_runs import ScheduleStatus
    from pocket.deploy.target import Target


@dataclass(frozen=True)
class FunctionStatus:
    """A function's version behind `live`; `state` is Lambda's, or `missing` if the function does not exist."""

    name: str
    version: str
    state: str
    modified: str


@dataclass(frozen=True)
class QueueStatus:
    """Approximate numbers of a queue's messages: `visible` ones wait, `dead` ones are in the dead-letter queue.

    `oldest` is the age of the oldest one in seconds; None where CloudWatch has no recent value. `last_error` is the
    reason of the newest of up to ten dead ones, `last_failed_at` its time in ISO format; "" without one, and for one
    that SQS moved there.
    """

    name: str
    visible: int
    in_flight: int
    dead: int
    last_error: str = ""
    last_failed_at: str = ""
    oldest: int | None = None

    @property
    def waits(self) -> bool:
        """Whether it has messages that are not done."""
        return bool(self.visible or self.in_flight)


@dataclass(frozen=True)
class EventsStatus:
    """The schedules of a handler, and about how many of its events failed for good, or were never delivered."""

    name: str
    schedules: tuple[ScheduleStatus, ...]
    failed: int


@dataclass(frozen=True)
class Status:
    """A stage as it is deployed, from which pocket.toml may differ; `place` describes `account`, the AWS account.

    `targets` has the DNS name that the records of a handler's domain lead to. `unconfirmed` is the address that gets no
    alarms, since it has not confirmed its subscription; "" without one. `lock` is who changes the stage now, as text,
    "" if no command does.
    """

    account: str
    place: str
    stack_name: str
    stack_status: str
    functions: tuple[FunctionStatus, ...]
    addresses: Mapping[str, str]
    targets: Mapping[str, str]
    queues: tuple[QueueStatus, ...]
    events: tuple[EventsStatus, ...]
    alarms: tuple[AlarmStatus, ...]
    unconfirmed: str
    lock: str = ""


def read(stage: StageConfig, target: Target) -> Status:
    """The stage's status. Raises DeployError if it is not deployed."""
    clients = Clients(target)
    account = account_id(clients)
    stack = find(clients, stage.stack_name)
    if stack is None or stack.status == "REVIEW_IN_PROGRESS":
        raise DeployError(f"Stage {stage.name!r} is not deployed.", f"pocket deploy --stage {stage.name}")
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    return Status(
        account=account,
        place=place(clients, account),
        stack_name=stack.name,
        stack_status=stack.status,
        functions=tuple(_function(clients, stage, name) for name in handlers),
        addresses=addresses(stage, stack.outputs),
        targets=targets(stage, stack.outputs),
        queues=_queues(clients, stage),
        events=_events(clients, stage),
        alarms=metrics.alarm_states(clients, stage),
        unconfirmed=metrics.unconfirmed(clients, stage, stack),
        lock=locked(clients, stage, account),
    )


def locked(clients: Clients, stage: StageConfig, account: str) -> str:
    """Who holds the stage's lock, and what they run; "" if no command does."""
    holder = lock.holder(clients, artifact_bucket_name(stage, account))
    return "" if holder is None else str(holder)


def _function(clients: Clients, stage: StageConfig, handler: str) -> FunctionStatus:
    name = stage.function_name(handler)
    try:
        facts = clients.lambda_.get_function_configuration(FunctionName=name, Qualifier=naming.ALIAS)
    except AWSCallFailed as error:
        if error.code != "ResourceNotFoundException":
            raise
        return FunctionStatus(name, "-", "missing", "-")
    return FunctionStatus(name, facts.get("Version", ""), facts.get("State", ""), facts.get("LastModified", ""))


def _events(clients: Clients, stage: StageConfig) -> tuple[EventsStatus, ...]:
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    kept = {name: declared for name, declared in handlers.items() if declared.keeps_failures}
    changed = _changed(clients, stage) if any(declared.schedule for declared in kept.values()) else {}
    return tuple(
        EventsStatus(
            name,
            schedule_runs.read(clients, stage, name, declared.schedule, changed, now=datetime.now(UTC)),
            sum(depth(clients, stage.failures_name(name))),
        )
        for name, declared in kept.items()
    )


def _changed(clients: Clients, stage: StageConfig) -> dict[str, datetime]:
    """When each resource of the stage's stack was last changed, by its logical id."""
    pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stage.stack_name)
    items = (item for page in pages for item in page["StackResourceSummaries"])
    return {item["LogicalResourceId"]: item["LastUpdatedTimestamp"] for item in items}


def _queues(clients: Clients, stage: StageConfig) -> tuple[QueueStatus, ...]:
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    fifos = {name: declared.sqs.fifo for name, declared in handlers.items() if declared.sqs is not None}
    found = [_queue(clients, stage, name, fifo=fifo) for name, fifo in fifos.items()]
    used = {item.name: stage.queue_name(item.name, fifo=fifos[item.name]) for item in found if item.waits}
    oldest = metrics.oldest_messages(clients, list(used.values()))
    return tuple(replace(item, oldest=oldest.get(used.get(item.name, ""))) for item in found)


def _queue(clients: Clients, stage: StageConfig, handler: str, *, fifo: bool) -> QueueStatus:
    visible, in_flight = depth(clients, stage.queue_name(handler, fifo=fifo))
    letters = stage.dead_letters_name(handler, fifo=fifo)
    dead, _ = depth(clients, letters)
    failed_at, reason = last_reason(clients, letters) if dead else ("", "")
    return QueueStatus(handler, visible, in_flight, dead, reason, failed_at)
