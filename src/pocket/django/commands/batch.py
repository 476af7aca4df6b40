"""One SQS batch of management commands: runs them in order and returns the messages to deliver again.

A batch is one message by default. Of several, each is deleted as soon as its command has finished, so that it does not
run again if a later command ends the function.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.django.commands import command as commands
from pocket.django.commands import log_lines
from pocket.django.commands.deadline import seconds_left
from pocket.errors import AWSCallFailed, CommandFailed, PocketError, UnknownEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.django.commands.deadline import Context
    from pocket.manifest import Handler

    Record = Mapping[str, Any]

logger = logging.getLogger("pocket.queue")


def run(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Runs the batch and returns `batchItemFailures`: the ids of the messages that failed or were not begun.

    Lambda deletes the others. A FIFO queue's batch ends at its first failure and reports the rest, too, to keep the
    order. A batch ends early if less time is left than its slowest command took. Raises UnknownEvent for an event that
    is not from SQS.
    """
    records = _records(event)
    failed: list[str] = []
    slowest = 0.0
    for number, record in enumerate(records):
        left = seconds_left(context)
        if number and left < slowest:
            logger.warning("Too little time is left: %d of %d messages go back to the queue.", *_left(records, number))
            failed += [item["messageId"] for item in records[number:]]
            break
        started = time.monotonic()
        with log_lines.of_message(record["messageId"]):
            succeeded = _succeeds(record, context, left)
            slowest = max(slowest, time.monotonic() - started)
            if succeeded and len(records) > 1:
                _delete(record)
        if succeeded:
            continue
        if _is_fifo(record):
            failed += [item["messageId"] for item in records[number:]]
            break
        failed.append(record["messageId"])
    if failed and not _reports(records[0]):
        raise CommandFailed(
            f"{len(failed)} of {len(records)} commands failed, and the queue does not accept partial failures.",
            "Set report_batch_item_failures = true, so that only the failed ones run again.",
        )
    return {"batchItemFailures": [{"itemIdentifier": item} for item in failed]}


def _records(event: Mapping[str, Any]) -> list[Record]:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or any(item.get("eventSource") != "aws:sqs" for item in records):
        raise UnknownEvent(
            "sqs_management_command_handler expected a batch of SQS messages; got a different event.",
            f'To run a command directly, invoke a handler with command = "{naming.MANAGEMENT_HANDLER}".',
        )
    return records


def _left(records: list[Record], number: int) -> tuple[int, int]:
    return len(records) - number, len(records)


def _succeeds(record: Record, context: Context, seconds: float) -> bool:
    message = record["messageId"]
    # Not a log record: this line must be in the log, regardless of LOGGING, even if the command ends the process.
    attempt = record.get("attributes", {}).get("ApproximateReceiveCount", "1")
    request = getattr(context, "aws_request_id", "-")
    sys.stderr.write(f"Message {message} begins: attempt {attempt}, request {request}.\n")
    try:
        commands.run(_body(record), seconds)
    except PocketError as error:
        logger.error("Message %s failed: %s", message, error.message)
        return False
    except Exception:
        # Not the command, whose failures are CommandFailed, but the clean-up after it: of a connection, for instance.
        logger.exception("Message %s failed outside of its command.", message)
        return False
    return True


def _body(record: Record) -> Any:
    try:
        body = json.loads(record["body"])
    except (ValueError, RecursionError):
        raise CommandFailed("The message is not JSON.", "Send messages with pocket_call_command().") from None
    return {**body, "on_failure": "raise"} if isinstance(body, dict) else body


def _delete(record: Record) -> None:
    """Deletes the message; if that fails, Lambda does, unless a later command of the batch ends the process."""
    from pocket.runtime import sqs

    url, _ = _queue(record)
    receipt = record.get("receiptHandle")
    if not url or not receipt:
        return
    try:
        sqs.delete(url, receipt, region=record.get("awsRegion") or os.environ.get("AWS_REGION", ""))
    except AWSCallFailed as error:
        logger.warning("Message %s is done, but could not be deleted yet: %s", record["messageId"], error.message)


def _is_fifo(record: Record) -> bool:
    return str(record.get("eventSourceARN", "")).endswith(".fifo")


def _reports(record: Record) -> bool:
    """Whether the queue's mapping accepts partial failures."""
    _, handler = _queue(record)
    return handler is None or handler.partial_failures


def _queue(record: Record) -> tuple[str | None, Handler | None]:
    """The URL of the event's queue and its handler; None and None if the stage has no such queue."""
    from pocket.django.configuration import source

    name = source.stage_name()
    queue = str(record.get("eventSourceARN", "")).rpartition(":")[2]
    if name is not None:
        for key, handler in source.stage(source.manifest()[0], name).handlers.items():
            url = os.environ.get(naming.queue_url_key(key), "")
            if handler.queue and url.rpartition("/")[2] == queue:
                return url, handler
    return None, None
