"""The page of jobs in Django's admin: to look, to filter, to send again and to cancel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from pocket.errors import PocketError
from pocket.jobs import actions
from pocket.jobs.models import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no parameter at run time
    """Rows record what happened, so they cannot be added or edited."""

    list_display = ("name", "state", "attempts", "enqueued_at", "reason")
    list_filter = ("status", "kind", "queue", "handler", "enqueued_at", "name")
    search_fields = ("id", "name")
    date_hierarchy = "enqueued_at"
    actions = ("retry", "cancel")
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("name", "state", "attempts", "id", "kind", "arguments")}),
        (_("Outcome"), {"fields": ("shown_result", "tracebacks", "shown_output")}),
        (_("Times"), {"fields": ("enqueued_at", "run_after", "started_at", "last_attempted_at", "finished_at")}),
        (_("Queue"), {"fields": ("queue", "handler", "priority", "shown_workers")}),
    )
    readonly_fields = (
        *("name", "state", "attempts", "id", "kind", "arguments", "shown_result", "tracebacks", "shown_output"),
        *("enqueued_at", "run_after", "started_at", "last_attempted_at", "finished_at"),
        *("queue", "handler", "priority", "shown_workers"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("status"), ordering="status")
    def state(self, job: Job) -> str:
        return job.state

    @admin.display(description=_("last error"))
    def reason(self, job: Job) -> str:
        return job.reason[:100]

    @admin.display(description=_("arguments"))
    def arguments(self, job: Job) -> str:
        if job.object_key:
            return f"In the stage's bucket: {job.object_key}"
        return _block(json.dumps({"args": job.args, "kwargs": job.kwargs}, indent=2, ensure_ascii=False))

    @admin.display(description=_("result"))
    def shown_result(self, job: Job) -> str:
        return _block(json.dumps(job.result, indent=2, ensure_ascii=False)) if job.status == "SUCCESSFUL" else "-"

    @admin.display(description=_("errors"))
    def tracebacks(self, job: Job) -> str:
        return _block("\n\n".join(error["traceback"].strip() for error in job.errors)) if job.errors else "-"

    @admin.display(description=_("output"))
    def shown_output(self, job: Job) -> str:
        return _block(job.output) if job.output else "-"

    @admin.display(description=_("attempts by request and message"))
    def shown_workers(self, job: Job) -> str:
        return _block("\n".join(job.worker_ids)) if job.worker_ids else "-"

    @admin.action(description=_("Send selected jobs again"), permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, actions.retry, _("sent again"))

    @admin.action(description=_("Cancel selected jobs"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, actions.cancel, _("cancelled"))

    def _each(self, request: HttpRequest, jobs: QuerySet[Job], act: Callable[[Job], None], done: Any) -> None:
        count = 0
        for job in jobs:
            try:
                act(job)
            except PocketError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                count += 1
        if count:
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)


def _block(text: str) -> str:
    return format_html('<pre style="white-space: pre-wrap; margin: 0">{}</pre>', text)
