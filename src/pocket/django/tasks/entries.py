"""What the record of jobs keeps of a task: the same when it is sent and when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.django.commands import job_record

if TYPE_CHECKING:
    from datetime import datetime

    from pocket.django.tasks.envelope import Envelope


_UNKNOWN = "secret"


def entry_of(envelope: Envelope, handler: str, task: Any, *, run_after: datetime | None = None) -> job_record.Entry:
    """The entry of the task in `envelope`; large arguments are not in it, but in the stage's bucket.

    `task` is None where this release does not have it: any of its positional arguments may be a secret then.
    `run_after` is known only where the task is sent.
    """
    if task is None:
        parameters = (_UNKNOWN,) * len(envelope.args)
    else:
        parameters = job_record.parameters(task.func, takes_context=task.takes_context)
    return job_record.Entry(
        id=envelope.id,
        kind="task",
        name=envelope.task,
        args=[] if envelope.object else envelope.args,
        kwargs={} if envelope.object else envelope.kwargs,
        parameters=parameters,
        object=envelope.object,
        queue=envelope.queue,
        handler=handler,
        backend=envelope.backend,
        priority=envelope.priority,
        run_after=run_after,
        enqueued=envelope.enqueued,
    )
