"""The app `pocket.jobs`. Its label is `pocket_jobs`, since projects have apps named jobs."""

from __future__ import annotations

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Keeps the record of jobs in the database."""

    name = "pocket.jobs"
    label = "pocket_jobs"
    verbose_name = "Background jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Lets the queue's code use the record; touches no database."""
        from pocket.django.commands import job_record
        from pocket.jobs.records import DatabaseRecords

        job_record.use(DatabaseRecords())
