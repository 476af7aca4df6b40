"""The row of a job."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    """A task or a management command from a queue.

    A running job is locked until `lease_until`, when its function has ended in any case. `worker` is the attempt that
    holds the lock. `hidden` says that secrets were removed from the arguments, so that the row cannot be sent again.
    `stamp` is what its message in the dead-letter queue carries; "" until it is there.
    """

    class Kind(models.TextChoices):
        """What runs."""

        TASK = "task", _("task")
        COMMAND = "command", _("command")

    class Status(models.TextChoices):
        """Django's statuses of task results, and one for a job that never ran."""

        READY = "READY", _("ready")
        RUNNING = "RUNNING", _("running")
        SUCCESSFUL = "SUCCESSFUL", _("successful")
        FAILED = "FAILED", _("failed")
        CANCELLED = "CANCELLED", _("cancelled")

    id = models.CharField(max_length=100, primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.READY)
    queue = models.CharField(max_length=255, blank=True)
    handler = models.CharField(max_length=64, blank=True)
    backend = models.CharField(max_length=255, blank=True)
    priority = models.SmallIntegerField(default=0)
    args = models.JSONField(default=list)
    kwargs = models.JSONField(default=dict)
    hidden = models.BooleanField(default=False)
    object_key = models.CharField(max_length=255, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    worker_ids = models.JSONField(default=list)
    worker = models.CharField(max_length=255, blank=True)
    enqueued_at = models.DateTimeField(default=timezone.now)
    run_after = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    last_attempted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    errors = models.JSONField(default=list)
    output = models.TextField(blank=True)
    stamp = models.CharField(max_length=40, blank=True)

    objects: ClassVar[models.Manager[Job]] = models.Manager()

    class Meta:
        ordering = ("-enqueued_at",)
        indexes = (
            models.Index(fields=["status", "-enqueued_at"], name="pocket_jobs_status"),
            models.Index(fields=["name", "-enqueued_at"], name="pocket_jobs_name"),
            models.Index(fields=["-enqueued_at"], name="pocket_jobs_enqueued"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.id}"

    @property
    def interrupted(self) -> bool:
        """Whether its function ended without a result; it comes again when its message is visible."""
        return self.status == self.Status.RUNNING and self.lease_until is not None and self.lease_until < timezone.now()

    @property
    def state(self) -> str:
        """The status in words."""
        return str(_("interrupted")) if self.interrupted else str(self.Status(self.status).label)

    @property
    def reason(self) -> str:
        """The last line of the last error; "" without one."""
        return str(self.errors[-1]["traceback"]).strip().rpartition("\n")[2] if self.errors else ""
