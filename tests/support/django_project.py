"""One Django project after the other in one process: each with its settings, apps and connections."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.cache import caches
from django.core.management import get_commands
from django.db import connections
from django.urls import clear_url_caches, set_urlconf
from django.utils.functional import empty

PROJECTS = Path(__file__).parent.parent / "projects"
_REGISTRY = ("app_configs", "apps_ready", "models_ready", "ready", "loading")


@contextmanager
def project(name: str, settings_module: str, environ: Mapping[str, str]) -> Iterator[None]:
    """Django set up with the settings of a project under tests/projects; what was set up before is there again after.

    The settings module is read anew, with `environ`; the project's other modules stay imported.
    """
    outside = {key: os.environ.get(key) for key in (ENVIRONMENT_VARIABLE, *environ)}
    registry = {key: getattr(apps, key) for key in _REGISTRY}
    wrapped: Any = settings._wrapped
    sys.path.insert(0, str(PROJECTS / name))
    os.environ.update({ENVIRONMENT_VARIABLE: settings_module, **environ})
    sys.modules.pop(settings_module, None)
    if settings.configured:
        _forget()
    settings._wrapped = empty
    _restore_registry({"app_configs": {}, **dict.fromkeys(_REGISTRY[1:], False)})
    try:
        django.setup()
        yield
    finally:
        _forget()
        settings._wrapped = wrapped
        _restore_registry(registry)
        sys.path.remove(str(PROJECTS / name))
        for key, value in outside.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value


def _restore_registry(values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        setattr(apps, key, value)
    apps.clear_cache()


def _forget() -> None:
    """Drops what Django keeps of the settings in use."""
    for handler in (connections, caches):
        handler.close_all()
        for alias in list(handler):
            if hasattr(handler._connections, alias):
                del handler[alias]
        handler.__dict__.pop("settings", None)
        handler._settings = None
    get_commands.cache_clear()
    clear_url_caches()
    set_urlconf(None)


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` in a wrapper that imitates it, as error trackers wrap Django's."""

    @wraps(function)
    def call(*args: Any) -> Any:
        return function(*args)

    return call
