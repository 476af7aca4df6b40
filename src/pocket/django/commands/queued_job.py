"""The job that a message carries, a management command or a task, and one attempt at it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pocket.django.commands import command as commands
from pocket.django.commands.job_record import Entry
from pocket.django.commands.queue import parse
from pocket.errors import CommandFailed, PocketError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pocket.django.commands.job_record import Claim

    Record = Mapping[str, Any]

FRUITLESS = 2
"""The exit status of a command that was called wrongly: another attempt would end in the same way."""

RECEIVES = "ApproximateReceiveCount"


class Result(NamedTuple):
    """One attempt: `error` is None where it succeeded, `final` where another attempt would be in vain."""

    value: Any = None
    output: str = ""
    error: dict[str, str] | None = None
    reason: str = ""
    final: bool = False


class Job(Protocol):
    """A job as the queue's code sees it; `attempts` is None for as many as the queue allows."""

    entry: Entry
    attempts: int | None

    def run(self, claim: Claim, *, allowed: int, seconds: float) -> Result:
        """One attempt, of at most `seconds`; it raises nothing, whatever the job does."""
        ...

    def pause(self, attempt: int) -> int:
        """Seconds to wait after that attempt."""
        ...

    def forget(self) -> None:
        """Deletes what was kept for the job, which is done."""
        ...


def read(record: Record, *, handler: str, allowed: Collection[str] | None, tasks: bool, seconds: float) -> Job:
    """The message's job, read in `seconds`; raises CommandFailed where it carries none.

    It is a RefusedJob where the handler does not run it: `allowed` are the commands that it may run, None for any,
    and `tasks` is whether it runs tasks.
    """
    try:
        body = json.loads(record["body"])
    except (ValueError, RecursionError):
        raise CommandFailed(
            "The message is not JSON.", "pocket_call_command() sends what this handler takes."
        ) from None
    from pocket.django.tasks import envelope

    if envelope.is_task(body):
        from pocket.django.tasks.entries import entry_of
        from pocket.django.tasks.worker import TaskJob

        task = envelope.parse(body)
        if tasks:
            return TaskJob.read(task, handler=handler, seconds=seconds)
        why = (
            f"The handler {handler} runs no tasks: it is not in [awscontainer.tasks]. If its queue's tasks have another"
            " handler now, keep this one under another queue name until its queue and its schedules are empty."
        )
        return RefusedJob(entry_of(task, handler, None), why)
    job = CommandJob(id_of(record), body, handler)
    if allowed is None or job.entry.name in allowed:
        return job
    why = f"The command {job.entry.name} is not in commands of [awscontainer.handlers.{handler}]."
    return RefusedJob(job.entry, why)


def id_of(record: Record) -> str:
    """The id of the message's job, without looking at the job itself: its message's id where it has none."""
    try:
        body = json.loads(record["body"])
    except (ValueError, RecursionError):
        body = None
    from pocket.django.tasks import envelope

    found = str(body.get("id")) if envelope.is_task(body) else attribute(record, JOB)
    return found if envelope.JOB_ID.fullmatch(found) else str(record["messageId"])


JOB, STAMP = "PocketJob", "PocketFailedAt"
"""Attributes of a message in the dead-letter queue: the job's id, and when it failed."""


def attribute(record: Record, name: str) -> str:
    """The text of a message's attribute; "" where it has none of that name."""
    found = (record.get("messageAttributes") or {}).get(name) or {}
    return str(found.get("stringValue") or "")


def receives(record: Record) -> int:
    """How often the message was received, this time included."""
    return int((record.get("attributes") or {}).get(RECEIVES, 1))


class _WithoutPolicy:
    """A job with as many attempts as the queue allows, and nothing kept for it."""

    attempts: int | None = None

    def pause(self, attempt: int) -> int:
        """The pause that a task has without a policy of its own."""
        from pocket.django.tasks.policy import Policy

        return Policy().pause(attempt)

    def forget(self) -> None:
        """Nothing is kept."""


class RefusedJob(_WithoutPolicy):
    """A job that is not run, for a reason that is its failure."""

    def __init__(self, entry: Entry, reason: str, error: dict[str, str] | None = None, *, final: bool = True) -> None:
        self.entry = entry
        error = error or {"exception_class_path": "pocket.errors.CommandFailed", "traceback": reason}
        self._result = Result(error=error, reason=reason, final=final)

    def run(self, claim: Claim, *, allowed: int, seconds: float) -> Result:
        """The failure."""
        return self._result


class CommandJob(_WithoutPolicy):
    """A management command. A message sets no variables: those would change what any command does."""

    def __init__(self, job_id: str, body: object, handler: str) -> None:
        name, args, kwargs, _ = parse(body, environ=False)
        self._body = {**body, "on_failure": "report"} if isinstance(body, dict) else body
        self.entry = Entry(job_id, "command", name, args, kwargs, handler=handler)

    def run(self, claim: Claim, *, allowed: int, seconds: float) -> Result:
        """Runs the command; a status other than 0 is a failure."""
        try:
            outcome = commands.run(self._body, seconds)
        except PocketError as error:
            return Result(error=_error(error, error.message), reason=error.message)
        except BaseException as error:  # noqa: BLE001 - what tidies up after a command failed: a connection, for instance
            return Result(error=_error(error, repr(error)), reason=f"What tidies up after it failed: {error!r}")
        output = outcome["stdout"] + outcome["stderr"]
        status = outcome["exit_status"]
        if status == 0:
            return Result(outcome["result"], output)
        shown = outcome["traceback"] or outcome["stderr"] or outcome["stdout"]
        reason = f"exit status {status}: {shown.strip().rpartition(chr(10))[2]}"
        path = "django.core.management.base.CommandError"
        trace = outcome["traceback"]
        if trace:
            path = trace.strip().rpartition("\n")[2].partition(":")[0]
        found = {"exception_class_path": path, "traceback": trace or shown}
        return Result(None, output, found, reason, final=status == FRUITLESS and not trace)


def _error(error: BaseException, text: str) -> dict[str, str]:
    return {"exception_class_path": f"{type(error).__module__}.{type(error).__qualname__}", "traceback": text}
