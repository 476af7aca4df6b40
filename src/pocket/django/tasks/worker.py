"""Running a task that a message carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from pocket.django.commands import command as commands
from pocket.django.commands.deadline import DeadlineReached, stopping
from pocket.django.commands.queued_job import RefusedJob, Result
from pocket.django.tasks import envelope as envelopes
from pocket.django.tasks import framework, results
from pocket.django.tasks.entries import entry_of
from pocket.django.tasks.policy import Policy, policy_of
from pocket.errors import CommandFailed

if TYPE_CHECKING:
    from pocket.django.commands.job_record import Claim
    from pocket.django.commands.queued_job import Job
    from pocket.django.tasks.envelope import Envelope


class TaskJob:
    """One task, as it was enqueued."""

    def __init__(self, task: Any, envelope: Envelope, policy: Policy, handler: str) -> None:
        self._task = task
        self._envelope = envelope
        self._policy = policy
        self.attempts = policy.attempts
        self.entry = entry_of(envelope, handler, task)

    @classmethod
    def read(cls, envelope: Envelope, *, handler: str, seconds: float) -> Job:
        """The task that the message names; refused where this release has no such task, or importing it fails."""
        try:
            with stopping(seconds):
                return cls._found(envelope, handler)
        except BaseException as error:  # noqa: BLE001 - whatever a module raises ends only this job
            reason = f"The task {envelope.task} cannot be run: {type(error).__name__}: {error}"
            late = isinstance(error, DeadlineReached)
            return RefusedJob(entry_of(envelope, handler, None), reason, _shown(error), final=not late)

    @classmethod
    def _found(cls, envelope: Envelope, handler: str) -> TaskJob:
        task = import_string(envelope.task)
        if not isinstance(task, framework.part("base").Task):
            raise TypeError(f"{envelope.task} is a {type(task).__name__}, not a task.")
        task = task.using(priority=envelope.priority, queue_name=envelope.queue, backend=envelope.backend)
        return cls(task, envelope, policy_of(task.func), handler)

    def run(self, claim: Claim, *, allowed: int, seconds: float) -> Result:
        """Runs the task; whatever it raises is a failure."""
        attempt = _Attempt(self._task, self._policy, claim, last=claim.attempt >= allowed)
        outcome = commands.outcome(lambda: attempt.run(self._loaded()), seconds)
        output = outcome.stdout + outcome.stderr
        error = outcome.error
        if error is None:
            return Result(outcome.value, output)
        shown = _shown(error)
        reason = shown["traceback"].strip().rpartition("\n")[2]
        return Result(None, output, shown, reason, final=attempt.final)

    def pause(self, attempt: int) -> int:
        """The pause of the task's policy."""
        return self._policy.pause(attempt)

    def forget(self) -> None:
        """Deletes the object with the task's arguments; raises AWSCallFailed."""
        if self._envelope.object:
            from pocket.runtime import objects

            bucket, region = _bucket(self._task)
            objects.delete(bucket, self._envelope.object, region=region)

    def _loaded(self) -> Envelope:
        if not self._envelope.object:
            return self._envelope
        from pocket.runtime import objects

        bucket, region = _bucket(self._task)
        return envelopes.with_arguments(self._envelope, objects.get(bucket, self._envelope.object, region=region))


class _Attempt:
    """One attempt, with the framework's signals; `final` is, afterwards, whether a failure is final."""

    def __init__(self, task: Any, policy: Policy, claim: Claim, *, last: bool) -> None:
        self._task = task
        self._policy = policy
        self._claim = claim
        self.final = last

    def run(self, envelope: Envelope) -> Any:
        backend = self._task.get_backend()
        result = results.new(self._task, envelope.id, envelope.args, envelope.kwargs, envelope.backend)
        *before, worker = self._claim.workers
        result.worker_ids.extend(before)
        base = framework.part("base")
        result.errors.extend(base.TaskError(**error) for error in self._claim.errors)
        results.fill(result, enqueued_at=results.moment(envelope.enqueued))
        results.begin(backend, result, worker)
        try:
            returned = results.call(result)
            # Its work is done: where JSON cannot say the result, another attempt would do it twice.
            self.final, last = True, self.final
            value = results.normalized(returned)
            self.final = last
        except BaseException as error:
            self.final = self.final or isinstance(error, self._policy.never)
            if self.final:
                results.end(backend, result, error=error)
            raise
        results.end(backend, result, value=value)
        return value


def _shown(error: BaseException) -> dict[str, str]:
    found = results.task_error(error)
    return {"exception_class_path": found.exception_class_path, "traceback": found.traceback}


def _bucket(task: Any) -> tuple[str, str]:
    options = task.get_backend().options
    if not options.get("bucket"):
        raise CommandFailed("The stage has no bucket with the task's arguments.", "Add the table [s3].")
    return options["bucket"], options["region"]
