"""Sending one message to an SQS queue, and deleting one from it."""

from __future__ import annotations

import re
import uuid

from pocket.runtime import aws

MAX_MESSAGE_SIZE = 1_048_576
"""Bytes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""

FIFO_GROUP = "pocket"
"""One message group for all commands: what a FIFO queue takes in first runs to its end first."""


def send(queue_url: str, body: str, *, region: str) -> str:
    """Sends `body` and returns the message's id; raises AWSCallFailed.

    To a FIFO queue each call is a message of its own: retries of the same call are recognised as such, equal bodies of
    two calls are both delivered.
    """
    payload = {"QueueUrl": queue_url, "MessageBody": body}
    if queue_url.endswith(".fifo"):
        payload |= {"MessageGroupId": FIFO_GROUP, "MessageDeduplicationId": uuid.uuid4().hex}
    answer = aws.call_json("sqs", "SendMessage", payload, region=queue_region(queue_url) or region)
    return str(answer["MessageId"])


def delete(queue_url: str, receipt_handle: str, *, region: str) -> None:
    """Deletes a message that was received; raises AWSCallFailed."""
    payload = {"QueueUrl": queue_url, "ReceiptHandle": receipt_handle}
    aws.call_json("sqs", "DeleteMessage", payload, region=queue_region(queue_url) or region)


def queue_region(queue_url: str) -> str | None:
    """The region in an AWS queue's URL; None where the URL names none, as on the local AWS."""
    found = re.match(r"https://sqs\.([a-z0-9-]+)\.", queue_url)
    return found[1] if found else None
