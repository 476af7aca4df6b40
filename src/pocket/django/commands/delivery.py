"""One delivery of a message: its job is claimed, run and recorded, and the message is settled or comes again.

A job that fails for good goes to the dead-letter queue at once, with its reason, so that no attempt is spent on it.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pocket import naming
from pocket.django.commands import job_record, queued_job
from pocket.django.configuration.secrecy import without_secrets
from pocket.errors import AWSCallFailed, CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.django.commands.deadline import Context
    from pocket.django.commands.job_record import Claim
    from pocket.django.commands.queued_job import Job, Result
    from pocket.manifest import Handler

    Record = Mapping[str, Any]

logger = logging.getLogger("pocket.queue")

OUTPUT = 20_000
"""The characters of a job's output that a record keeps: its last."""

_REASON = 1000
"""Characters of the reason that a message carries into the dead-letter queue."""

_UNCLAIMED = 60
"""Seconds until a message comes again whose job could not be looked up: the database is away, for instance."""

INTERRUPTED = "The attempt before ended its function: out of memory, a crash, os._exit(), or Lambda's timeout."


class Queue(NamedTuple):
    """Where a message is from. `url` is None for a queue that is none of the stage's.

    `tasks` is whether its handler is one of `[awscontainer.tasks]`.
    """

    url: str | None
    name: str
    handler: Handler | None
    fifo: bool
    tasks: bool = True

    @property
    def attempts(self) -> int:
        """How often a message is tried."""
        return self.handler.attempts if self.handler else sys.maxsize

    @property
    def spare(self) -> int:
        """How many deliveries of a message may be no attempt."""
        return self.handler.spare if self.handler else 0


def settle(record: Record, queue: Queue, context: Context, seconds: float, *, spare: int = 0) -> bool:
    """Whether the message is settled: its job is done, or given up. If not, it comes again.

    `spare` is how many of its receives may have been no attempt.
    """
    message, received = record["messageId"], queued_job.receives(record)
    started = time.monotonic()
    request = getattr(context, "aws_request_id", "-")
    delivery = job_record.Delivery(received, queued_job.attribute(record, queued_job.STAMP), spare)
    try:
        allowed = queue.handler.commands if queue.handler else None
        job = queued_job.read(record, handler=queue.name, allowed=allowed, tasks=queue.tasks, seconds=seconds)
    except CommandFailed as error:
        logger.error("Message %s failed: %s", message, error.message)
        found, why = queued_job.id_of(record), error.message
        return _given_up(record, queue, job=found, name="", reason=why, attempts=received)
    try:
        claim = job_record.current().claim(job.entry, delivery, worker=f"{request}/{message}", seconds=seconds)
    except Exception:
        logger.exception("Message %s was not begun: its job cannot be looked up.", message)
        return again(record, queue, _UNCLAIMED)
    if claim.state == "done":
        logger.info("Message %s is dropped: its job %s has ended already.", message, job.entry.id)
        return True
    if claim.state == "busy":
        logger.info("Message %s goes back: its job %s is running.", message, job.entry.id)
        return again(record, queue, int(claim.seconds) + 1)
    if claim.state == "failed":
        why = claim.errors[-1]["traceback"].strip().rpartition("\n")[2] if claim.errors else ""
        return _given_up(record, queue, job=job.entry.id, name=job.entry.name, reason=why, attempts=claim.attempt)
    return _attempt(record, queue, job, claim, max(seconds - (time.monotonic() - started), 0))


def _attempt(record: Record, queue: Queue, job: Job, claim: Claim, seconds: float) -> bool:
    message, allowed = record["messageId"], min(job.attempts or queue.attempts, queue.attempts)
    if claim.attempt > allowed + claim.spare:
        error = {"exception_class_path": "pocket.errors.CommandFailed", "traceback": INTERRUPTED}
        result = queued_job.Result(error=error, reason=INTERRUPTED, final=True)
        claim = claim._replace(attempt=allowed)
    else:
        if claim.interrupted:
            logger.warning("Job %s is tried again. %s", job.entry.id, INTERRUPTED)
        request = claim.workers[-1].partition("/")[0]
        # Not a log record: this line must be in the log, regardless of LOGGING, even if the job ends the process.
        where = f"message {message}, request {request}"
        sys.stderr.write(f"Job {job.entry.id} begins: attempt {claim.attempt}, {where}.\n")
        result = job.run(claim, allowed=allowed, seconds=seconds)
    if result.error is None:
        output = without_secrets(result.output[-OUTPUT:])
        _note(job, claim, job_record.Ended("SUCCESSFUL", output, result.value))
        _forget(job)
        return True
    final = result.final or claim.attempt >= allowed
    shown = without_secrets(result.reason)
    logger.error("Message %s failed: %s: %s\n%s", message, job.entry.name, shown, _trace(result))
    error = {**result.error, "traceback": without_secrets(result.error["traceback"])}
    output = without_secrets(result.output[-OUTPUT:])
    if final:
        _note(job, claim, job_record.Ended("FAILED", output, error=error))
        return _given_up(record, queue, job=job.entry.id, name=job.entry.name, reason=shown, attempts=claim.attempt)
    _note(job, claim, job_record.Ended("READY", output, error=error))
    return again(record, queue, job.pause(claim.attempt))


def _trace(result: Result) -> str:
    return without_secrets(result.error["traceback"]) if result.error else ""


def _note(job: Job, claim: Claim, how: job_record.Ended) -> None:
    """Records the end; where that fails, the attempt ended all the same."""
    try:
        job_record.current().ended(job.entry, claim, how)
    except Exception:
        logger.exception("The end of the job %s, %s, could not be recorded.", job.entry.id, how.status)


def _forget(job: Job) -> None:
    """Deletes a done job's large arguments; where it is recorded, they go with its row."""
    if job_record.current().kept:
        return
    try:
        job.forget()
    except AWSCallFailed as error:
        logger.warning("The arguments of the job %s could not be deleted: %s", job.entry.id, error.message)


def again(record: Record, queue: Queue, seconds: int) -> bool:
    """The message comes again in `seconds`; if SQS cannot be called, after its visibility timeout."""
    from pocket.runtime import sqs

    receipt = record.get("receiptHandle")
    if queue.url and receipt:
        try:
            sqs.hide(queue.url, receipt, min(seconds, sqs.LONGEST_VISIBILITY // 2), region=region_of(record))
        except AWSCallFailed as error:
            logger.warning("Message %s comes again later than it should: %s", record["messageId"], error.message)
    return False


def _given_up(record: Record, queue: Queue, *, job: str, name: str, reason: str, attempts: int) -> bool:
    """Sends the message to the dead-letter queue; where that fails it stays, and SQS will move it."""
    from pocket.runtime import sqs

    receipt = record.get("receiptHandle")
    if not queue.url or not receipt:
        return False
    stamp = datetime.now(UTC).isoformat()
    attributes = {
        queued_job.JOB: job,
        queued_job.STAMP: stamp,
        "PocketName": name or "-",
        "PocketReason": _sendable(without_secrets(reason))[:_REASON] or "-",
        "PocketAttempts": str(attempts),
    }
    group = str((record.get("attributes") or {}).get("MessageGroupId") or sqs.FIFO_GROUP)
    target = naming.dead_letters(queue.url)
    try:
        sqs.send(target, record["body"], region=region_of(record), attributes=attributes, group=group)
    except AWSCallFailed as error:
        logger.error("Message %s stays in its queue: %s", record["messageId"], error.message)
        return False
    try:
        job_record.current().buried(job, stamp)
    except Exception:
        logger.exception("It could not be recorded that the message of the job %s is in the dead-letter queue.", job)
    return True


def _sendable(text: str) -> str:
    """The text without the characters that SQS refuses."""
    return "".join(item if item in "\t\n\r" or (item >= " " and item.isprintable()) else "?" for item in text)


def region_of(record: Record) -> str:
    """The region of the message's queue."""
    return str(record.get("awsRegion") or os.environ.get("AWS_REGION", ""))
