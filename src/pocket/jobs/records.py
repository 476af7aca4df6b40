"""The record in the database: one row for each job, changed only by the attempt that holds it."""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.module_loading import import_string

from pocket.django.commands.delivery import INTERRUPTED
from pocket.django.commands.job_record import Claim
from pocket.jobs.arguments import storable, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pocket.django.commands.job_record import Delivery, Ended, Entry
    from pocket.jobs.models import Job

logger = logging.getLogger("pocket.queue")

MARGIN = 5.0
"""Seconds that a lease is longer than the function's time: clocks of two functions differ, and Lambda ends one late."""

CONTENDED = 5.0
"""Seconds until a message comes again whose job another delivery took at the same moment."""

KEEP_DAYS = 30
"""Days that a row is kept, without the setting POCKET_JOBS_KEEP_DAYS."""

TIDY_ROWS = 1000
"""Rows that are deleted at once, so that no job waits long for it."""

_TIDY_SECONDS = 3600.0


class DatabaseRecords:
    """Implements `pocket.django.commands.job_record.Records`."""

    kept = True

    def __init__(self) -> None:
        self._tidied: float | None = None

    def enqueued(self, entry: Entry) -> None:
        """Adds the row; where a worker was faster, there is one already."""
        _jobs().bulk_create([_row(entry)], ignore_conflicts=True)

    def withdrawn(self, job_id: str) -> None:
        """Deletes the row."""
        _jobs().filter(pk=job_id).delete()

    def claim(self, entry: Entry, delivery: Delivery, *, worker: str, seconds: float) -> Claim:
        """Takes the job for this attempt, if it is neither done nor taken."""
        job = _jobs().filter(pk=entry.id).first()
        if job is None:
            self.enqueued(entry)
            job = _jobs().get(pk=entry.id)
        statuses, now = job.Status, timezone.now()
        # Until the message is in the dead-letter queue, a failed job has no stamp; SQS itself may move it there.
        first = delivery.receives == 1
        redriven = job.status == statuses.FAILED and (delivery.stamp == job.stamp if job.stamp else first)
        if job.status == statuses.FAILED and not job.stamp and not redriven:
            return Claim("failed", job.attempts, errors=tuple(job.errors))
        if job.status not in {statuses.READY, statuses.RUNNING} and not redriven:
            return Claim("done", job.attempts)
        left = (job.lease_until - now).total_seconds() if job.lease_until else 0.0
        if job.status == statuses.RUNNING and left > 0:
            return Claim("busy", job.attempts, seconds=left)
        interrupted = job.status == statuses.RUNNING
        errors = list(job.errors)
        if interrupted:
            errors.append({"exception_class_path": "pocket.errors.CommandFailed", "traceback": INTERRUPTED})
        # A message that is received for the first time was sent again: by hand, or back from the dead letters.
        again = redriven or (first and job.attempts > 0)
        attempts, workers = (1, [worker]) if again else (job.attempts + 1, [*job.worker_ids, worker])
        held = _jobs().filter(pk=job.pk, status=job.status, attempts=job.attempts, worker=job.worker, stamp=job.stamp)
        taken = held.update(
            status=statuses.RUNNING,
            attempts=attempts,
            worker=worker,
            worker_ids=workers,
            errors=errors,
            started_at=job.started_at or now,
            last_attempted_at=now,
            finished_at=None,
            lease_until=now + timedelta(seconds=seconds + MARGIN),
            stamp="",
        )
        if not taken:
            return Claim("busy", job.attempts, seconds=CONTENDED)
        return Claim("run", attempts, interrupted=interrupted, workers=tuple(workers), errors=tuple(errors))

    def suspects(self, receives: Mapping[str, int]) -> Collection[str]:
        """The jobs whose last attempt has no end: it may have ended the function."""
        return set(_jobs().filter(pk__in=receives, status="RUNNING").values_list("pk", flat=True))

    def ended(self, entry: Entry, claim: Claim, how: Ended) -> None:
        """Writes the end of the attempt, unless another one holds the job by now."""
        errors = [*claim.errors, *([how.error] if how.error else [])]
        if claim.interrupted and how.error and how.error["traceback"] == INTERRUPTED:
            errors.pop()  # noted when the job was claimed: there is no further attempt
        held = _jobs().filter(pk=entry.id, worker=claim.workers[-1], status="RUNNING")
        end = {
            "status": how.status,
            "attempts": claim.attempt,
            "worker_ids": list(claim.workers[: claim.attempt]),
            "finished_at": None if how.status == "READY" else timezone.now(),
            "lease_until": None,
        }
        try:
            details = {"errors": storable(errors), "output": storable(how.output), "result": storable(how.value)}
            changed = held.update(**end, **details)
        except Exception:
            logger.exception("The end of the job %s is recorded without its result, errors and output.", entry.id)
            changed = held.update(**end)
        if not changed:
            logger.warning("The job %s ended after its time: another attempt holds it.", entry.id)

    def buried(self, job_id: str, stamp: str) -> None:
        """Notes the stamp, by which the message is known when it is back."""
        _jobs().filter(pk=job_id, status="FAILED").update(stamp=stamp)

    def result(self, job_id: str) -> Any:
        """The task's result, in the framework's type; raises its TaskResultDoesNotExist."""
        from pocket.django.tasks import framework

        job = _jobs().filter(pk=job_id, kind="task").first()
        missing = framework.part("exceptions").TaskResultDoesNotExist
        if job is None:
            raise missing(job_id)
        try:
            task = import_string(job.name)
            task = task.using(priority=job.priority, queue_name=job.queue, backend=job.backend, run_after=job.run_after)
        except (AttributeError, ImportError) as error:
            raise missing(job_id) from error
        return _as_result(job, task)

    def tidy(self) -> None:
        """Deletes old rows, once an hour in each environment of a function; while there are more, after each batch."""
        now = time.monotonic()
        if self._tidied is not None and now - self._tidied < _TIDY_SECONDS:
            return
        self._tidied = now
        try:
            if delete_old(getattr(settings, "POCKET_JOBS_KEEP_DAYS", KEEP_DAYS)) == TIDY_ROWS:
                self._tidied = None
        except Exception:
            logger.exception("Old rows of jobs could not be deleted.")


def delete_old(days: float) -> int:
    """Deletes up to TIDY_ROWS rows of jobs that ended, or were due, more than `days` ago; returns their number.

    Large arguments go with the row.
    """
    from django.db.models.functions import Coalesce

    age = Coalesce("finished_at", "run_after", "enqueued_at")
    old = list(_jobs().annotate(age=age).filter(age__lt=timezone.now() - timedelta(days=days))[:TIDY_ROWS])
    for job in old:
        if job.object_key:
            _delete_arguments(job)
    _jobs().filter(pk__in=[job.pk for job in old]).delete()
    return len(old)


def _delete_arguments(job: Job) -> None:
    from pocket.errors import AWSCallFailed
    from pocket.runtime import objects

    try:
        bucket, region = _bucket(job)
        objects.delete(bucket, job.object_key, region=region)
    except (AWSCallFailed, ImproperlyConfigured, KeyError) as error:
        logger.warning("The arguments of the job %s could not be deleted: %s", job.pk, error)


def _bucket(job: Job) -> tuple[str, str]:
    """The bucket of the job's large arguments, and its region."""
    from pocket.django.tasks import framework

    options = import_string(f"{framework.name()}.task_backends")[job.backend].options
    return options["bucket"], options["region"]


def _arguments(job: Job) -> tuple[list[Any], dict[str, Any]]:
    """The job's arguments; large ones are in the bucket, and empty if they are gone from it. Raises AWSCallFailed."""
    if not job.object_key:
        return job.args, job.kwargs
    from pocket.errors import AWSCallFailed
    from pocket.runtime import objects

    bucket, region = _bucket(job)
    try:
        found = json.loads(objects.get(bucket, job.object_key, region=region))
    except AWSCallFailed as error:
        if error.code != "NoSuchKey":
            raise
        return [], {}
    return found["args"], found["kwargs"]


def _jobs() -> Any:
    """The rows, on the database that is written: a replica may be late."""
    from django.db import router

    from pocket.jobs.models import Job

    return Job.objects.using(router.db_for_write(Job))


def _row(entry: Entry) -> Job:
    from pocket.django.tasks.results import moment
    from pocket.jobs.models import Job

    args, kwargs, hidden = visible(entry)
    return Job(
        id=entry.id,
        kind=entry.kind,
        name=storable(entry.name)[:255],
        queue=storable(entry.queue)[:255],
        handler=entry.handler,
        backend=storable(entry.backend)[:255],
        priority=entry.priority,
        args=args,
        kwargs=kwargs,
        hidden=hidden,
        object_key=entry.object,
        enqueued_at=moment(entry.enqueued) or timezone.now(),
        run_after=entry.run_after,
    )


def _as_result(job: Job, task: Any) -> Any:
    from pocket.django.tasks import framework, results

    base = framework.part("base")
    cancelled = job.status == job.Status.CANCELLED
    found = results.new(task, job.pk, *_arguments(job), job.backend)
    results.fill(
        found,
        status=base.TaskResultStatus.FAILED if cancelled else base.TaskResultStatus(job.status),
        enqueued_at=job.enqueued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        last_attempted_at=job.last_attempted_at,
        errors=[base.TaskError(**error) for error in job.errors],
        worker_ids=list(job.worker_ids),
        _return_value=job.result,
    )
    return found
