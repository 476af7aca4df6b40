"""What one does with a recorded job: send it again, or cancel it before it runs."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.module_loading import import_string

from pocket import naming
from pocket.errors import CommandFailed

if TYPE_CHECKING:
    from pocket.jobs.models import Job


def retry(job: Job) -> None:
    """Sends an ended job again under the same id, with all its attempts before it.

    Raises CommandFailed where the job has not ended or its arguments are not all in the row, and what sending raises.
    """
    statuses = job.Status
    if job.status not in {statuses.FAILED, statuses.CANCELLED}:
        raise CommandFailed(
            f"The job {job.pk} is {job.state}; only one that failed or was cancelled can be sent again."
        )
    if job.hidden:
        raise CommandFailed(
            f"The record of the job {job.pk} lacks arguments: they look like secrets, or a database does not hold"
            " them.",
            "Its message in the dead-letter queue has them: pocket jobs redrive.",
        )
    before = job.status, job.attempts, job.stamp
    changed = {"status": statuses.READY, "attempts": 0, "worker_ids": [], "finished_at": None, "stamp": ""}
    rows = type(job)._default_manager.filter(pk=job.pk)
    if not rows.filter(status=before[0], stamp=before[2]).update(**changed):
        raise CommandFailed(f"The job {job.pk} has changed meanwhile.")
    try:
        (_send_task if job.kind == job.Kind.TASK else _send_command)(job)
    except BaseException:
        rows.update(status=before[0], attempts=before[1], stamp=before[2], finished_at=job.finished_at)
        raise


def cancel(job: Job) -> None:
    """Cancels a job that is not running; its message is dropped when it comes. Raises CommandFailed for any other."""
    rows = type(job)._default_manager.filter(pk=job.pk, status=job.Status.READY)
    if not rows.update(status=job.Status.CANCELLED, finished_at=timezone.now()):
        raise CommandFailed(f"The job {job.pk} is {job.state}; only one that is ready can be cancelled.")


def _send_task(job: Job) -> None:
    from pocket.django.tasks.envelope import Envelope

    backend = _backend(job)
    enqueued = job.enqueued_at.isoformat()
    arguments = {"args": job.args, "kwargs": job.kwargs, "object": job.object_key}
    envelope = Envelope(
        task=job.name,
        id=job.pk,
        queue=job.queue,
        backend=job.backend,
        priority=job.priority,
        enqueued=enqueued,
        **arguments,
    )
    backend.send(envelope, job.handler)


def _backend(job: Job) -> Any:
    """The backend that sent the task; raises CommandFailed where these settings have none that sends."""
    from pocket.django.tasks import framework

    backends = import_string(f"{framework.name()}.task_backends")
    with suppress(ImproperlyConfigured):
        if hasattr(found := backends[job.backend], "send"):
            return found
    raise CommandFailed(
        f"The task {job.pk} cannot be sent again from here: TASKS has no backend {job.backend!r} that sends to SQS.",
        "With the stage's settings, it can: pocket jobs retry.",
    )


def _send_command(job: Job) -> None:
    from pocket.django.commands import queue, queued_job

    body = json.dumps({"command": job.name, "args": job.args, "kwargs": job.kwargs})
    queue.send_again(body, job.handler or naming.DEFAULT_QUEUE_KEY, attributes={queued_job.JOB: job.pk})
