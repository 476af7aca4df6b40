"""Sends a message to an SQS queue, deletes one, and changes when one is delivered again."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from pocket.runtime import aws

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MESSAGE_SIZE = 1_048_576
"""Bytes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""

LARGEST_BODY = MAX_MESSAGE_SIZE - 8192
"""Bytes of a job's message: the rest stays free for the attributes that it gets in the dead-letter queue."""

FIFO_GROUP = "pocket"
"""One message group for all commands, so that a FIFO queue runs them one after the other."""


LONGEST_DELAY = 900
"""Seconds for which SQS can delay a message; a FIFO queue delays none."""

LONGEST_VISIBILITY = 43_200
"""Seconds after its receipt for which SQS can hide a message."""


def send(
    queue_url: str,
    body: str,
    *,
    region: str,
    delay: int = 0,
    attributes: Mapping[str, str] | None = None,
    group: str = FIFO_GROUP,
) -> str:
    """Sends `body` and returns the message's id; raises AWSCallFailed.

    `delay` in seconds, up to LONGEST_DELAY. For a FIFO queue each call has its own deduplication id: retries of a call
    are dropped, equal bodies of two calls are both delivered.
    """
    payload: dict[str, Any] = {"QueueUrl": queue_url, "MessageBody": body}
    if delay:
        payload["DelaySeconds"] = delay
    if attributes:
        payload["MessageAttributes"] = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        }
    if queue_url.endswith(".fifo"):
        payload |= {"MessageGroupId": group, "MessageDeduplicationId": uuid.uuid4().hex}
    answer = aws.call_json("sqs", "SendMessage", payload, region=queue_region(queue_url) or region)
    return str(answer["MessageId"])


def delete(queue_url: str, receipt_handle: str, *, region: str) -> None:
    """Deletes a received message; raises AWSCallFailed."""
    payload = {"QueueUrl": queue_url, "ReceiptHandle": receipt_handle}
    aws.call_json("sqs", "DeleteMessage", payload, region=queue_region(queue_url) or region)


def hide(queue_url: str, receipt_handle: str, seconds: int, *, region: str) -> None:
    """Lets SQS deliver a received message again in `seconds`, up to LONGEST_VISIBILITY; raises AWSCallFailed."""
    payload = {"QueueUrl": queue_url, "ReceiptHandle": receipt_handle, "VisibilityTimeout": seconds}
    aws.call_json("sqs", "ChangeMessageVisibility", payload, region=queue_region(queue_url) or region)


def queue_region(queue_url: str) -> str | None:
    """The region in an AWS queue's URL; None for a URL without one, as on the local AWS."""
    found = re.match(r"https://sqs\.([a-z0-9-]+)\.", queue_url)
    return found[1] if found else None
