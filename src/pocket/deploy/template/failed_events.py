"""What becomes of asynchronous events that fail: how often Lambda repeats them, and the queue that keeps them.

The queue has what Lambda gave up, and what EventBridge Scheduler could not deliver. `pocket status` shows its depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.intrinsics import attribute, ref
from pocket.deploy.template.queues import queue_policy, queue_resource

if TYPE_CHECKING:
    from pocket.config.tables.handlers import Handler
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource

RETENTION = 1209600
"""Seconds: the two weeks that SQS keeps a message at most."""


def failures_id(handler: str) -> str:
    """The logical id of the queue with the handler's failed events."""
    return naming.logical_id(handler, "FailedEvents")


def failures(inputs: Inputs, handler: str) -> dict[str, Resource]:
    """The handler's queue of failed events, and the configuration of its asynchronous invocations."""
    declared = inputs.handlers[handler]
    kind = naming.HANDLERS.get(declared.command)
    found: dict[str, Resource] = {}
    if declared.keeps_failures:
        queue_id = failures_id(handler)
        found[queue_id] = queue_resource(inputs.config.failures_name(handler), RETENTION, fifo=False)
        found[f"{queue_id}Policy"] = queue_policy(queue_id)
    if declared.is_called_asynchronously or (kind is not None and kind.commands):
        found[naming.logical_id(handler, "AsyncInvocations")] = _asynchronous(handler, declared)
    return found


def _asynchronous(handler: str, declared: Handler) -> Resource:
    """Lambda runs a failed asynchronous invocation twice more; a management command may not be safe to repeat."""
    attempts = declared.maximum_retry_attempts
    properties: dict[str, Any] = {
        "FunctionName": ref(naming.logical_id(handler, "Function")),
        "Qualifier": naming.ALIAS,
        "MaximumRetryAttempts": attempts if attempts is not None else 2 if declared.runs_callable else 0,
    }
    if declared.keeps_failures:
        properties["MaximumEventAgeInSeconds"] = declared.maximum_event_age
        properties["DestinationConfig"] = {"OnFailure": {"Destination": attribute(failures_id(handler), "Arn")}}
    return {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": properties,
        "DependsOn": naming.logical_id(handler, "Alias"),
    }
