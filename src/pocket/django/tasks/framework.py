"""The Tasks framework: `django.tasks` of Django 6.0 and later, or the same from the package django-tasks."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pocket.django.configuration.errors import SetupFailed


def name() -> str:
    """The framework's package; raises SetupFailed where there is none."""
    for candidate in ("django.tasks", "django_tasks"):
        if find_spec(candidate) is not None:
            return candidate
    raise SetupFailed(
        "This Django has no django.tasks, which came with 6.0, and django-tasks is not installed.",
        "Install the extra: django-pocket[tasks].",
    )


def part(module: str) -> Any:
    """A module of the framework, such as `backends.base`. Any, since its types depend on what is installed."""
    return import_module(f"{name()}.{module}")


def invalid_task() -> type[Exception]:
    """The exception for a task that a backend does not run."""
    exceptions = part("exceptions")
    found: type[Exception] = getattr(exceptions, "InvalidTask", None) or exceptions.InvalidTaskError
    return found
