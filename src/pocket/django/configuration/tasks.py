"""TASKS from `[awscontainer.tasks]`, or from `[general.django_fallback.tasks]`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.manifest import Manifest, Stage

BACKEND = "pocket.django.tasks.backend.SQSBackend"
_THREAD = "pocket.django.tasks.local.ThreadBackend"
_FRAMEWORKS = {"immediate": "backends.immediate.ImmediateBackend", "memory": "backends.dummy.DummyBackend"}


def of_stage(manifest: Manifest, stage: Stage, *, enqueue_on_commit: bool) -> dict[str, Any]:
    """Django's TASKS for a stage; Django's default where the stage has no queues of tasks."""
    if not stage.tasks:
        return _local("immediate", enqueue_on_commit=enqueue_on_commit)
    handlers = {name for queue in stage.tasks.values() for name in queue}
    options = {
        "handlers": {queue: dict(found) for queue, found in stage.tasks.items()},
        "attempts": {name: stage.handlers[name].attempts for name in sorted(handlers)},
        "bucket": stage.bucket_name,
        "region": stage.region or manifest.region,
        "schedule_group": stage.stack_name,
        "enqueue_on_commit": enqueue_on_commit,
    }
    return {"default": {"BACKEND": BACKEND, "QUEUES": list(stage.tasks), "OPTIONS": options}}


def of_fallback(manifest: Manifest, *, enqueue_on_commit: bool) -> dict[str, Any]:
    """Django's TASKS without a stage; a task may name any queue."""
    return _local(manifest.fallback_tasks, enqueue_on_commit=enqueue_on_commit)


def _local(kind: str, *, enqueue_on_commit: bool) -> dict[str, Any]:
    # Not by importing: settings.py calls this, and the framework reads settings.
    framework = "django.tasks" if find_spec("django.tasks") else "django_tasks"
    backend = _THREAD if kind == "thread" else f"{framework}.{_FRAMEWORKS[kind]}"
    entry: dict[str, Any] = {"BACKEND": backend, "QUEUES": []}
    if kind == "thread":
        entry["OPTIONS"] = {"enqueue_on_commit": enqueue_on_commit}
    return {"default": entry}
