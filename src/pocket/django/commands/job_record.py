"""The record of jobs: what the queue's code needs of it.

`pocket.jobs` keeps one in the database; without it there is none.

A job is a task or a management command from a queue. Its id is the task result's, or that of the command's message.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime


class Entry(NamedTuple):
    """A job as it was sent. `parameters` are the names of its positional arguments, as far as they are known.

    `object` is the key of the object with its arguments, or "". `queue` is Django's name of a task's queue. `enqueued`
    is the time in ISO format, "" for now.
    """

    id: str
    kind: Literal["task", "command"]
    name: str
    args: list[Any]
    kwargs: dict[str, Any]
    parameters: tuple[str, ...] = ()
    object: str = ""
    queue: str = ""
    handler: str = ""
    backend: str = ""
    priority: int = 0
    run_after: datetime | None = None
    enqueued: str = ""


class Claim(NamedTuple):
    """Whether a delivery runs: `run` it, it is `done` already, or `busy` elsewhere for `seconds` at most.

    It has `failed` where its message still has to go to the dead-letter queue; `errors` has the reason.

    `attempt` counts from one, and is up to `spare` too high. `interrupted`: the attempt before ended without a result,
    with its function. `workers` and `errors` are those of the attempts so far, with this one's worker.
    """

    state: Literal["run", "done", "busy", "failed"]
    attempt: int = 1
    seconds: float = 0.0
    interrupted: bool = False
    workers: tuple[str, ...] = ()
    errors: tuple[dict[str, str], ...] = ()
    spare: int = 0


class Ended(NamedTuple):
    """How an attempt ended: `error` is None, or a dictionary with `exception_class_path` and `traceback`."""

    status: Literal["SUCCESSFUL", "FAILED", "READY"]
    output: str = ""
    value: Any = None
    error: dict[str, str] | None = None


class Delivery(NamedTuple):
    """What identifies the attempt of a message: its receives, and `stamp`, where it is back from the dead letters.

    `spare`: how many of the receives may have been none, since an earlier job of the batch ended the function.
    """

    receives: int
    stamp: str = ""
    spare: int = 0


class Records(Protocol):
    """A record of jobs. `kept`: whether results can be read."""

    kept: bool

    def enqueued(self, entry: Entry) -> None:
        """A job is about to be sent, or was sent."""
        ...

    def withdrawn(self, job_id: str) -> None:
        """The job could not be sent."""
        ...

    def claim(self, entry: Entry, delivery: Delivery, *, worker: str, seconds: float) -> Claim:
        """A message was delivered; the function has `seconds` left."""
        ...

    def suspects(self, receives: Mapping[str, int]) -> Collection[str]:
        """Those of the jobs, given with their receives, that may have ended a function before."""
        ...

    def ended(self, entry: Entry, claim: Claim, how: Ended) -> None:
        """The attempt ended."""
        ...

    def buried(self, job_id: str, stamp: str) -> None:
        """The failed job's message is in the dead-letter queue, and carries `stamp`: the time, in ISO format."""
        ...

    def result(self, job_id: str) -> Any:
        """The task's result; raises the framework's TaskResultDoesNotExist."""
        ...

    def tidy(self) -> None:
        """Removes old records, if it is time to."""
        ...


class NoRecords:
    """Without a record each delivery runs, and the attempt is SQS's number of receives."""

    kept = False

    def enqueued(self, entry: Entry) -> None:
        pass

    def withdrawn(self, job_id: str) -> None:
        pass

    def claim(self, entry: Entry, delivery: Delivery, *, worker: str, seconds: float) -> Claim:
        workers = ("",) * (delivery.receives - 1)
        return Claim("run", delivery.receives, workers=(*workers, worker), spare=delivery.spare)

    def suspects(self, receives: Mapping[str, int]) -> Collection[str]:
        return [job for job, number in receives.items() if number > 1]

    def ended(self, entry: Entry, claim: Claim, how: Ended) -> None:
        pass

    def buried(self, job_id: str, stamp: str) -> None:
        pass

    def result(self, job_id: str) -> Any:
        # What django.tasks documents for a backend without results.
        raise NotImplementedError("Results need their records: add pocket.jobs to INSTALLED_APPS, and migrate.")

    def tidy(self) -> None:
        pass


_records: list[Records] = [NoRecords()]


def current() -> Records:
    """The record in use."""
    return _records[-1]


def use(records: Records) -> None:
    """Uses `records` from now on; `pocket.jobs` calls it when Django is set up."""
    _records[:] = [records]


def parameters(function: Callable[..., Any], *, takes_context: bool = False) -> tuple[str, ...]:
    """The names of a function's positional parameters, without its context."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [item.name for item in inspect.signature(function).parameters.values() if item.kind in kinds]
    return tuple(names[1:] if takes_context else names)
