"""Sends a message to an SQS queue, and deletes one."""

from __future__ import annotations

import re
import uuid

from pocket.runtime import aws

MAX_MESSAGE_SIZE = 1_048_576
"""Bytes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""

FIFO_GROUP = "pocket"
"""One message group for all commands, so that a FIFO queue runs them one after the other."""


def send(queue_url: str, body: str, *, region: str) -> str:
    """Sends `body` and returns the message's id; raises AWSCallFailed.

    For a FIFO queue each call has its own deduplication id: retries of a call are dropped, equal bodies of two calls
    are both delivered.
    """
    payload = {"QueueUrl": queue_url, "MessageBody": body}
    if queue_url.endswith(".fifo"):
        payload |= {"MessageGroupId": FIFO_GROUP, "MessageDeduplicationId": uuid.uuid4().hex}
    answer = aws.call_json("sqs", "SendMessage", payload, region=queue_region(queue_url) or region)
    return str(answer["MessageId"])


def delete(queue_url: str, receipt_handle: str, *, region: str) -> None:
    """Deletes a received message; raises AWSCallFailed."""
    payload = {"QueueUrl": queue_url, "ReceiptHandle": receipt_handle}
    aws.call_json("sqs", "DeleteMessage", payload, region=queue_region(queue_url) or region)


def queue_region(queue_url: str) -> str | None:
    """The region in an AWS queue's URL; None for a URL without one, as on the local AWS."""
    found = re.match(r"https://sqs\.([a-z0-9-]+)\.", queue_url)
    return found[1] if found else None
