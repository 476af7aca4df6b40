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
    from pocket.django.tasks.envelope import Envelope
    from pocket.jobs.models import Job


def retry(job: Job) -> None:
    """Sends an ended job again under the same id, with all its attempts before it.

    A task goes to the handler that its queue has now. Raises CommandFailed where the job has not ended, its arguments
    are not all in the row, or these settings have no handler for it, and what sending raises.
    """
    statuses = job.Status
    if job.status not in {statuses.FAILED, statuses.CANCELLED}:
        raise CommandFailed(
            f"The job {job.pk} is {job.state}; only one that failed or was cancelled can be sent again."
        )
    if job.hidden:
        raise CommandFailed(
            f"The record of the job {job.pk} lacks arguments that look like secrets or that a database cannot store.",
            "Its message in the dead-letter queue has them: pocket jobs redrive.",
        )
    backend = _backend(job) if job.kind == job.Kind.TASK else None
    handler = _handler(job, backend) if backend else job.handler or naming.DEFAULT_QUEUE_KEY
    changed = {"status": statuses.READY, "attempts": 0, "worker_ids": [], "finished_at": None, "stamp": ""}
    changed["handler"] = handler
    before = {name: getattr(job, name) for name in changed}
    rows = type(job)._default_manager.filter(pk=job.pk)
    if not rows.filter(status=job.status, stamp=job.stamp).update(**changed):
        raise CommandFailed(f"The job {job.pk} has changed meanwhile.")
    try:
        if backend:
            backend.send(_envelope(job), handler)
        else:
            _send_command(job, handler)
    except BaseException:
        rows.update(**before)
        raise


def cancel(job: Job) -> None:
    """Cancels a job that is not running; its message is dropped when it comes. Raises CommandFailed for any other."""
    rows = type(job)._default_manager.filter(pk=job.pk, status=job.Status.READY)
    if not rows.update(status=job.Status.CANCELLED, finished_at=timezone.now()):
        raise CommandFailed(f"The job {job.pk} is {job.state}; only one that is ready can be cancelled.")


def _envelope(job: Job) -> Envelope:
    from pocket.django.tasks.envelope import Envelope

    return Envelope(
        task=job.name,
        id=job.pk,
        args=job.args,
        kwargs=job.kwargs,
        object=job.object_key,
        queue=job.queue,
        backend=job.backend,
        priority=job.priority,
        enqueued=job.enqueued_at.isoformat(),
    )


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


def _handler(job: Job, backend: Any) -> str:
    """The handler that runs the task today; the one to which it was sent may run tasks no more."""
    try:
        found: str = backend.handler_of(job.queue, job.priority)
    except KeyError:
        raise CommandFailed(
            f"The task {job.pk} cannot be sent again: its queue {job.queue!r} is not in [awscontainer.tasks].",
            "Add the queue with its handler to pocket.toml, and deploy.",
        ) from None
    return found


def _send_command(job: Job, handler: str) -> None:
    from pocket.django.commands import queue, queued_job

    body = json.dumps({"command": job.name, "args": job.args, "kwargs": job.kwargs})
    queue.send_again(body, handler, attributes={queued_job.JOB: job.pk})
