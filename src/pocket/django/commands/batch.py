"""One SQS batch of jobs: runs them in order and returns the messages to deliver again.

A batch is one message by default. Of several, each is deleted as soon as its job has ended for good, so that it does
not run again if a later job ends the function; and what has ended a function before runs last, except in a FIFO queue.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.django.commands import job_record, log_lines, queued_job
from pocket.django.commands.deadline import seconds_left
from pocket.django.commands.delivery import Queue, again, region_of, settle
from pocket.errors import AWSCallFailed, CommandFailed, UnknownEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.django.commands.deadline import Context

    Record = Mapping[str, Any]

logger = logging.getLogger("pocket.queue")


def run(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Runs the batch and returns `batchItemFailures`: the ids of the messages that failed or were not begun.

    Lambda deletes the others. A FIFO queue's batch ends at its first failure and reports the rest, too, to keep the
    order. A batch ends early if less time is left than its slowest job took. Raises UnknownEvent for an event that
    is not from SQS.
    """
    batch = _records(event)
    failed: list[str] = []
    slowest = 0.0
    queue = _queue(batch[0]) if batch else None
    if queue and not queue.fifo:
        batch = _ordered(batch)
    for number, record in enumerate(batch):
        assert queue  # noqa: S101 - there is a message
        left = seconds_left(context)
        if number and left < slowest:
            logger.warning("Too little time is left: %d of %d messages go back to the queue.", *_left(batch, number))
            failed += [item["messageId"] for item in batch[number:]]
            for item in () if queue.fifo else batch[number:]:
                again(item, queue, 0)
            break
        started = time.monotonic()
        with log_lines.of_job(queued_job.id_of(record)):
            # In a FIFO queue the first message is the one that ended the function, if any did.
            settled = settle(record, queue, context, left, spare=queue.spare if number or not queue.fifo else 0)
            slowest = max(slowest, time.monotonic() - started)
            if settled and len(batch) > 1:
                _delete(record, queue)
        if settled:
            continue
        if queue.fifo:
            failed += [item["messageId"] for item in batch[number:]]
            break
        failed.append(record["messageId"])
    job_record.current().tidy()
    if failed and queue and queue.handler and not queue.handler.partial_failures:
        raise CommandFailed(
            f"{len(failed)} of {len(batch)} jobs failed, and the queue does not accept partial failures.",
            "Set report_batch_item_failures = true, so that only the failed ones run again.",
        )
    return {"batchItemFailures": [{"itemIdentifier": item} for item in failed]}


def _records(event: Mapping[str, Any]) -> list[Record]:
    found = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(found, list) or any(item.get("eventSource") != "aws:sqs" for item in found):
        raise UnknownEvent(
            "sqs_management_command_handler expected a batch of SQS messages; got a different event.",
            f'To run a command directly, invoke a handler with command = "{naming.MANAGEMENT_HANDLER}".',
        )
    return found


def _ordered(batch: list[Record]) -> list[Record]:
    """The batch with what may have ended a function last; before it, what has come most often."""
    if len(batch) == 1 or all(queued_job.receives(record) == 1 for record in batch):
        return batch
    receives = {queued_job.id_of(record): queued_job.receives(record) for record in batch}
    try:
        suspects = job_record.current().suspects(receives)
    except Exception:
        logger.exception("The batch keeps its order: its jobs cannot be looked up.")
        return batch
    return sorted(batch, key=lambda record: (queued_job.id_of(record) in suspects, -queued_job.receives(record)))


def _left(batch: list[Record], number: int) -> tuple[int, int]:
    return len(batch) - number, len(batch)


def _delete(record: Record, queue: Queue) -> None:
    """Deletes the message; if that fails, Lambda does, unless a later job of the batch ends the process."""
    from pocket.runtime import sqs

    receipt = record.get("receiptHandle")
    if not queue.url or not receipt:
        return
    try:
        sqs.delete(queue.url, receipt, region=region_of(record))
    except AWSCallFailed as error:
        logger.warning("Message %s is done, but could not be deleted yet: %s", record["messageId"], error.message)


def _queue(record: Record) -> Queue:
    """The queue of the event, and its handler if the stage has such a queue."""
    from pocket.django.configuration import source

    stage = source.stage_name()
    name = str(record.get("eventSourceARN", "")).rpartition(":")[2]
    fifo = name.endswith(".fifo")
    if stage is not None:
        found = source.stage(source.manifest()[0], stage)
        for key, handler in found.handlers.items():
            url = os.environ.get(naming.queue_url_key(key), "")
            if handler.queue and url.rpartition("/")[2] == name:
                return Queue(url, key, handler, fifo, any(key in handlers for handlers in found.tasks.values()))
    return Queue(None, "", None, fifo)
