"""Sets Django up, once, for code that manage.py does not start."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, Any

import django
from django.apps import apps
from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured

from pocket.django.configuration.errors import SetupFailed
from pocket.runtime import loggers

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_MACHINERY = ("importlib", "<frozen", f"{os.sep}django{os.sep}", f"configuration{os.sep}setup.py")


def setup(settings_module: str | None = None) -> None:
    """Calls `django.setup()` with `settings_module`, by default the value of DJANGO_SETTINGS_MODULE.

    Does nothing if Django is set up. Raises SetupFailed without a settings module, with another one than is in use, and
    if the caller is imported by `django.setup()` itself.
    """
    _choose(settings_module)
    if apps.ready:
        return
    _refuse_while_loading()
    try:
        django.setup()
    except AppRegistryNotReady as error:
        raise explained(error) from error
    loggers.enable()


def explained(error: BaseException) -> BaseException:
    """A SetupFailed with the line that imports models before Django is set up; `error` itself for any other error.

    For code that imports a project's modules, and so may be the first to import its models.
    """
    if not isinstance(error, AppRegistryNotReady | ImproperlyConfigured) or isinstance(error, SetupFailed):
        return error
    place = _place_of_import(error.__traceback__)
    if place is None:
        return error
    line, module = place
    return SetupFailed(
        f"{line} imports {module} before Django is set up: {error}",
        "Call pocket.fastapi.setup() above that import, or move the routes to the app's api.py, which create_app() "
        "imports after the set-up.",
    )


def imported(name: str) -> Any:
    """The application at `module:attribute`; raises SetupFailed."""
    module, _, attribute = name.partition(":")
    try:
        return getattr(import_module(module), attribute or "app")
    except AttributeError as error:
        raise SetupFailed(
            f"The application {name} does not exist: {error}.", "Set [awscontainer.fastapi] app to `module:attribute`."
        ) from error
    except Exception as error:
        cause = explained(error)
        if cause is error:
            raise
        raise cause from error


def _choose(settings_module: str | None) -> None:
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if settings_module is not None:
        in_use = getattr(settings, "SETTINGS_MODULE", None) if settings.configured else None
        if in_use not in {None, settings_module}:
            raise SetupFailed(
                f"Django already uses the settings {in_use}; got {settings_module}.",
                f"Pass the same settings in both places, or only set {ENVIRONMENT_VARIABLE}.",
            )
        os.environ[ENVIRONMENT_VARIABLE] = settings_module
    elif not named and not settings.configured:
        raise SetupFailed(
            f"{ENVIRONMENT_VARIABLE} is not set.",
            "Set it, or call create_app(settings_module='config.settings').",
        )


def _refuse_while_loading() -> None:
    """`django.setup()` imports the models of each app; code that these import cannot call it again."""
    frame: FrameType | None = sys._getframe(1)
    populate = type(apps).populate.__code__
    called_from = None
    while frame is not None and frame.f_code is not populate:
        if not _is_machinery(frame.f_code.co_filename):
            called_from = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    if frame is not None:
        raise SetupFailed(
            f"{called_from or 'An app'} is imported by django.setup(), and needs Django to be set up.",
            "models.py, apps.py and the modules that they import cannot import the module that calls create_app() or "
            "setup().",
        )


def _place_of_import(tail: TracebackType | None) -> tuple[str, str] | None:
    """The project's last line before Django's error, and the module that it imports."""
    frames: list[traceback.FrameSummary] = list(traceback.extract_tb(tail))
    own = [frame for frame in frames if not _is_machinery(frame.filename)]
    if not own:
        return None
    named: Any = [frame for frame in own if "import" in (frame.line or "")]
    cause = named[-1] if named else own[-1]
    words = (cause.line or "").split()
    module = words[1] if len(words) > 1 and words[0] in {"from", "import"} else "a module"
    return f"{cause.filename}:{cause.lineno}", module


def _is_machinery(filename: str) -> bool:
    return any(part in filename for part in _MACHINERY)
