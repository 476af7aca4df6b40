"""One SQS batch of management commands: runs them in order and tells which messages are to be delivered again."""

from __future__ import annotations

import json
import logging
import os
import time
from typing import TYPE_CHECKING, Any, Protocol

from pocket import naming
from pocket.django.commands import command as commands
from pocket.errors import CommandFailed, PocketError, UnknownEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger("pocket.queue")


class Context(Protocol):
    """What is used of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int: ...


def run(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Runs the batch and returns `batchItemFailures`: the ids of the messages that failed or were not begun.

    Deletes nothing: what is not reported Lambda deletes. A FIFO queue's batch ends at its first failure, and the rest
    is reported with it, so that the order holds. Any batch ends early where less time is left than the slowest command
    so far took. Raises UnknownEvent for another event than SQS's.
    """
    records = _records(event)
    failed: list[str] = []
    slowest = 0.0
    for number, record in enumerate(records):
        if number and context.get_remaining_time_in_millis() < slowest * 1000:
            logger.warning("Too little time is left: %d of %d messages go back to the queue.", *_left(records, number))
            failed += [item["messageId"] for item in records[number:]]
            break
        started = time.monotonic()
        succeeded = _succeeds(record)
        slowest = max(slowest, time.monotonic() - started)
        if succeeded:
            continue
        if _is_fifo(record):
            failed += [item["messageId"] for item in records[number:]]
            break
        failed.append(record["messageId"])
    if failed and not _reports(records[0]):
        raise CommandFailed(
            f"{len(failed)} of {len(records)} commands failed, and the queue does not take partial failures.",
            "Set report_batch_item_failures = true, so that only the failed ones run again.",
        )
    return {"batchItemFailures": [{"itemIdentifier": item} for item in failed]}


def _records(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or any(item.get("eventSource") != "aws:sqs" for item in records):
        raise UnknownEvent(
            "sqs_management_command_handler takes batches of SQS messages, and this event is none.",
            f'To run a command directly, invoke a handler with command = "{naming.MANAGEMENT_HANDLER}".',
        )
    return records


def _left(records: list[Mapping[str, Any]], number: int) -> tuple[int, int]:
    return len(records) - number, len(records)


def _succeeds(record: Mapping[str, Any]) -> bool:
    message = record["messageId"]
    try:
        try:
            body = json.loads(record["body"])
        except ValueError:
            raise CommandFailed(
                "The message is not JSON.", "pocket_call_command() sends what this handler takes."
            ) from None
        if isinstance(body, dict):
            body = {**body, "on_failure": "raise"}
        commands.run(body)
    except PocketError as error:
        logger.error("Message %s failed: %s", message, error.message)
        return False
    return True


def _is_fifo(record: Mapping[str, Any]) -> bool:
    return str(record.get("eventSourceARN", "")).endswith(".fifo")


def _reports(record: Mapping[str, Any]) -> bool:
    """Whether the queue's mapping takes partial failures; the queue is the event's, not one by a fixed name."""
    from pocket.django.configuration import source

    name = source.stage_name()
    if name is None:
        return True
    queue = str(record.get("eventSourceARN", "")).rpartition(":")[2]
    for handler, item in source.stage(source.manifest()[0], name).handlers.items():
        if item.queue and os.environ.get(naming.queue_url_key(handler), "").rpartition("/")[2] == queue:
            return item.partial_failures
    return True
