"""A handler's queue, its dead-letter queue, and the event source mapping from the queue to the alias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.inputs import queue_id
from pocket.deploy.template.intrinsics import attribute, ref, requires_tls
from pocket.deploy.template.tasks import task_handlers

if TYPE_CHECKING:
    from pocket.config.tables.handlers import Sqs
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource

VISIBILITY_FACTOR = 6
"""How many of the handler's timeouts a received message stays hidden: AWS's advice, so that a slow or throttled batch
is not delivered again while it still runs."""

GIVEN_BACK = 3
"""Deliveries that Pocket's handler may give back, because the job is running elsewhere or cannot be looked up."""

MOST_RECEIVES = 1000
"""SQS's limit of maxReceiveCount."""


def queue(inputs: Inputs, handler: str, declared: Sqs) -> dict[str, Resource]:
    """The queue, its dead-letter queue and the event source mapping of one handler."""
    main_id, dead_id = queue_id(inputs, handler), queue_id(inputs, handler, "DeadLetters")
    return {
        dead_id: queue_resource(
            inputs.config.dead_letters_name(handler, fifo=declared.fifo),
            declared.dead_letter_message_retention_period,
            fifo=declared.fifo,
        ),
        main_id: queue_resource(
            inputs.config.queue_name(handler, fifo=declared.fifo),
            declared.message_retention_period,
            fifo=declared.fifo,
            **_deduplication(inputs, handler, declared),
            VisibilityTimeout=inputs.handlers[handler].timeout * VISIBILITY_FACTOR,
            RedrivePolicy={
                "deadLetterTargetArn": attribute(dead_id, "Arn"),
                "maxReceiveCount": _receives(inputs, handler, declared),
            },
        ),
        naming.logical_id(handler, "Consumer"): _consumer(handler, main_id, declared),
        **{f"{name}Policy": queue_policy(name) for name in (main_id, dead_id)},
    }


def _receives(inputs: Inputs, handler: str, declared: Sqs) -> int:
    """How often SQS delivers a message.

    Pocket's own handler moves a failed message itself, with its reason. Where the last attempt ended the function, it
    does so at one more delivery. Deliveries that are no attempt come on top.
    """
    attempts = declared.dead_letter_max_receive_count
    if inputs.handlers[handler].command != naming.SQS_MANAGEMENT_HANDLER:
        return attempts
    return min(attempts + 1 + GIVEN_BACK + declared.spare_deliveries, MOST_RECEIVES)


def _deduplication(inputs: Inputs, handler: str, declared: Sqs) -> dict[str, bool]:
    """EventBridge Scheduler gives its messages no deduplication id."""
    later = declared.fifo and handler in task_handlers(inputs.config)
    return {"ContentBasedDeduplication": True} if later else {}


def queue_policy(queue_id: str) -> Resource:
    """The policy of a queue: every request comes over TLS."""
    document = {"Version": "2012-10-17", "Statement": [requires_tls("sqs:*", [attribute(queue_id, "Arn")])]}
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [ref(queue_id)], "PolicyDocument": document}}


def queue_resource(name: str, retention: int, *, fifo: bool, **more: Any) -> Resource:
    """A queue that keeps messages for `retention` seconds, encrypted; `more` are further properties."""
    properties: dict[str, Any] = {
        "QueueName": name,
        "MessageRetentionPeriod": retention,
        "SqsManagedSseEnabled": True,
        **more,
    }
    if fifo:
        properties["FifoQueue"] = True
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def _consumer(handler: str, queue_id: str, declared: Sqs) -> Resource:
    properties: dict[str, Any] = {
        "EventSourceArn": attribute(queue_id, "Arn"),
        "FunctionName": ref(naming.logical_id(handler, "Alias")),
        "BatchSize": declared.batch_size,
        "ScalingConfig": {"MaximumConcurrency": declared.maximum_concurrency},
    }
    if declared.report_batch_item_failures:
        properties["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}
