"""The backend that sends tasks to SQS, for TASKS: `pocket.django.utils.get_tasks`.

A task's handler is chosen by its queue and its priority. A message leaves at once, after SQS's own delay, or, for a
time further ahead, by a schedule of EventBridge Scheduler that deletes itself.
"""

from __future__ import annotations

import math
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.crypto import get_random_string

from pocket import naming
from pocket.django.commands import job_record
from pocket.django.configuration.errors import SettingsError
from pocket.django.tasks import framework, results
from pocket.django.tasks.entries import entry_of
from pocket.django.tasks.envelope import Envelope
from pocket.django.tasks.policy import policy_of
from pocket.errors import PocketError

_base: Any = framework.part("backends.base")

_SOON = 60
"""Seconds ahead that a schedule is set at least: Scheduler's precision is a minute."""


class SQSBackend(_base.BaseTaskBackend):  # type: ignore[misc]  # its class depends on what is installed
    """OPTIONS: `handlers`, by queue the handlers with the lowest priority of their tasks; `attempts` by handler;
    `bucket` of large arguments, or None; `region`; `schedule_group`; `enqueue_on_commit`.
    """

    supports_defer = True
    supports_async_task = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self._handlers: dict[str, dict[str, int]] = self.options["handlers"]

    @property
    def supports_get_result(self) -> bool:
        """Results are read from the records of `pocket.jobs`, where it is installed."""
        return job_record.current().kept

    @property
    def supports_priority(self) -> bool:
        """Whether any queue has several handlers; `validate_task` looks at the task's own."""
        return any(len(found) > 1 for found in self._handlers.values())

    def validate_task(self, task: Any) -> None:
        """Raises the framework's InvalidTask for a task with options that this backend does not support."""
        handlers = self._handlers.get(task.queue_name, {})
        if task.priority and len(handlers) == 1:
            raise framework.invalid_task()(
                f"The queue {task.queue_name!r} has one handler, so its tasks have no priority. Give it several in"
                f" [awscontainer.tasks]: {task.queue_name} = {{ {next(iter(handlers))} = 0, urgent = 10 }}."
            )
        super().validate_task(task)
        handler = self.handler_of(task.queue_name, task.priority)
        attempts, most = policy_of(task.func).attempts, self.options["attempts"][handler]
        if attempts is not None and attempts > most:
            raise framework.invalid_task()(
                f"{task.module_path} has {attempts} attempts, but its queue allows {most}. Set"
                f" dead_letter_max_receive_count = {attempts} in sqs of the handler {handler}."
            )

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Sends the task, and returns its result.

        Raises TypeError or ValueError for arguments that JSON cannot represent, ImproperlyConfigured without the
        queue's URL, AWSCallFailed where AWS refuses the message.
        """
        self.validate_task(task)
        result = results.new(task, get_random_string(32), args, kwargs, self.alias)
        handler = self.handler_of(task.queue_name, task.priority)
        envelope = Envelope(
            task=task.module_path,
            id=result.id,
            args=result.args,
            kwargs=result.kwargs,
            object="",
            queue=task.queue_name,
            backend=self.alias,
            priority=task.priority,
            enqueued=datetime.now(UTC).isoformat(),
        )
        if not self._fits(envelope, by_schedule=self._needs_schedule(task, handler)):
            envelope = envelope._replace(object=f"{naming.TASK_OBJECTS}{envelope.id}.json")
        job_record.current().enqueued(entry_of(envelope, handler, task, run_after=task.run_after))
        if self.options.get("enqueue_on_commit"):
            transaction.on_commit(partial(self._dispatch, result, envelope, handler))
        else:
            self._dispatch(result, envelope, handler)
        return result

    def get_result(self, result_id: str) -> Any:
        """The recorded result; raises TaskResultDoesNotExist, and NotImplementedError without `pocket.jobs`."""
        return job_record.current().result(result_id)

    def handler_of(self, queue: str, priority: int) -> str:
        """The queue's handler with the highest lowest priority that `priority` reaches; the lowest where it reaches
        none. Raises KeyError for a queue that is not in `[awscontainer.tasks]`."""
        ordered = sorted(self._handlers[queue].items(), key=lambda item: item[1])
        reached = [name for name, lowest in ordered if lowest <= priority]
        return reached[-1] if reached else ordered[0][0]

    def send(self, envelope: Envelope, handler: str, *, seconds: float = 0.0) -> None:
        """Sends a message that `enqueue` made, in `seconds` from now."""
        from pocket.runtime import scheduler, sqs

        url, region = _queue_url(handler), self.options["region"]
        delay = math.ceil(seconds)
        if delay <= (0 if url.endswith(".fifo") else sqs.LONGEST_DELAY):
            sqs.send(url, envelope.body(), region=region, delay=delay)
            return
        role = _needed(naming.SCHEDULER_ROLE_KEY)
        name = url.rpartition("/")[2]
        account, partition = url.split("/")[-2], role.split(":")[1]
        scheduler.send_at(
            datetime.now(UTC) + timedelta(seconds=max(delay, _SOON)),
            f"arn:{partition}:sqs:{region}:{account}:{name}",
            envelope.body(),
            name=f"task-{envelope.id}-{get_random_string(6)}",
            group=self.options["schedule_group"],
            role=role,
            region=region,
            fifo_group=sqs.FIFO_GROUP if url.endswith(".fifo") else "",
        )

    def _dispatch(self, result: Any, envelope: Envelope, handler: str) -> None:
        from pocket.runtime import objects

        bucket, region = self.options["bucket"], self.options["region"]
        try:
            if envelope.object:
                objects.put(bucket, envelope.object, envelope.arguments(), region=region)
            self.send(envelope, handler, seconds=results.seconds_until(result.task.run_after))
        except PocketError:
            job_record.current().withdrawn(envelope.id)
            if envelope.object:
                with suppress(PocketError):  # the first error is the one that says what is wrong
                    objects.delete(bucket, envelope.object, region=region)
            raise
        results.enqueued(self, result, results.moment(envelope.enqueued))

    def _needs_schedule(self, task: Any, handler: str) -> bool:
        from pocket.runtime import sqs

        seconds = results.seconds_until(task.run_after)
        return seconds > (0 if _queue_url(handler).endswith(".fifo") else sqs.LONGEST_DELAY)

    def _fits(self, envelope: Envelope, *, by_schedule: bool) -> bool:
        """Whether SQS or Scheduler takes the message; raises ValueError where neither it nor a bucket does."""
        from pocket.runtime import scheduler, sqs

        size, limit = len(envelope.body()), scheduler.LARGEST_INPUT if by_schedule else sqs.LARGEST_BODY
        if size > limit and self.options["bucket"] is None:
            raise ValueError(
                f"{envelope.task} with its arguments is a message of {size:,} bytes; the limit is {limit:,}. With a"
                " table [s3], Pocket keeps large arguments in the stage's bucket."
            )
        return size <= limit


def _queue_url(handler: str) -> str:
    return _needed(naming.queue_url_key(handler))


def _needed(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise SettingsError(
            f"A task cannot be sent: the environment has no {variable}.",
            "Deploy the stage, and call set_envs() in settings.py.",
        )
    return value
