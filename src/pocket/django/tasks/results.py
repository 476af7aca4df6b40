"""Task results: made when a task is enqueued, filled while it runs. They are the framework's own frozen records."""

from __future__ import annotations

from datetime import datetime
from traceback import format_exception
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from pocket.django.tasks import framework

if TYPE_CHECKING:
    from collections.abc import Sequence


def new(task: Any, result_id: str, args: Sequence[Any], kwargs: dict[str, Any], backend: str) -> Any:
    """A result that is ready; raises TypeError or ValueError for arguments that JSON cannot represent."""
    base = framework.part("base")
    return base.TaskResult(
        task=task,
        id=result_id,
        status=base.TaskResultStatus.READY,
        enqueued_at=None,
        started_at=None,
        finished_at=None,
        last_attempted_at=None,
        args=list(args),
        kwargs=dict(kwargs),
        backend=backend,
        errors=[],
        worker_ids=[],
    )


def fill(result: Any, **fields: Any) -> None:
    """Sets fields of a frozen result."""
    for name, value in fields.items():
        object.__setattr__(result, name, value)


def seconds_until(when: datetime | None) -> float:
    """Seconds until a task's `run_after`; 0 where it is past or None. One without a time zone is in the local one."""
    return 0.0 if when is None else max(0.0, (when - datetime.now(when.tzinfo)).total_seconds())


def enqueued(backend: Any, result: Any, when: datetime | None = None) -> None:
    """Notes that the task was enqueued, now or at `when`, and sends the signal."""
    fill(result, enqueued_at=when or timezone.now())
    framework.part("signals").task_enqueued.send(type(backend), task_result=result)


def begin(backend: Any, result: Any, worker: str) -> None:
    """Marks the result as running, and sends the signal."""
    now = timezone.now()
    status = framework.part("base").TaskResultStatus.RUNNING
    fill(result, status=status, started_at=result.started_at or now, last_attempted_at=now, finished_at=None)
    result.worker_ids.append(worker)
    framework.part("signals").task_started.send(sender=type(backend), task_result=result)


def call(result: Any) -> Any:
    """Runs the task's function, and returns what it returned."""
    base = framework.part("base")
    context = (base.TaskContext(task_result=result),) if result.task.takes_context else ()
    return result.task.call(*context, *result.args, **result.kwargs)


def normalized(value: Any) -> Any:
    """`value` in JSON's types; raises TypeError or ValueError where it has others."""
    return framework.part("base").normalize_json(value)


def end(backend: Any, result: Any, *, value: Any = None, error: BaseException | None = None) -> None:
    """Marks the result as finished, and sends the signal; inside an `except` block for an error."""
    base = framework.part("base")
    if error is not None:
        result.errors.append(task_error(error))
    status = base.TaskResultStatus.SUCCESSFUL if error is None else base.TaskResultStatus.FAILED
    fill(result, finished_at=timezone.now(), status=status, _return_value=value)
    # The work is done: a receiver that fails must not make it a failure, which would be tried again.
    framework.part("signals").task_finished.send_robust(type(backend), task_result=result)


def task_error(error: BaseException) -> Any:
    """The framework's record of an exception."""
    return framework.part("base").TaskError(
        exception_class_path=class_path(error), traceback="".join(format_exception(error))
    )


def class_path(error: BaseException) -> str:
    """The dotted path of an exception's class."""
    return f"{type(error).__module__}.{type(error).__qualname__}"


def moment(text: str) -> datetime | None:
    """The time in ISO format, as Django's settings have times; None for another text."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if settings.USE_TZ else timezone.make_naive(found)
