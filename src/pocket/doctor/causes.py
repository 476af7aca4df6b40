"""Traces the exception that ended a start to its cause in the project."""

from __future__ import annotations

import sys
import traceback
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.doctor import catalogue, frames, sources
from pocket.doctor.catalogue import issue
from pocket.doctor.driver import CONFIGS, READY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from pocket.doctor.driver import Start
    from pocket.doctor.frames import Frame
    from pocket.doctor.recording import Stretch
    from pocket.doctor.report.model import Issue

_INNER = 3


def explain(start: Start, settings_files: Sequence[str]) -> Issue | None:
    """The issue for `start.failure`; None if the start did not fail."""
    error = start.failure
    if error is None:
        return None
    stack = frames.of_traceback(error.__traceback__)
    for explained in (
        _circular(start, error, stack),
        _registry(start, error, stack),
        _configuration(start, error, settings_files),
    ):
        if explained is not None:
            return explained
    if isinstance(error, SyntaxError) and error.filename:
        message, shown = f"{_where(start)}: {type(error).__name__}: {error.msg}", (error.text or "").strip()
        return issue(catalogue.START_FAILED, message, details=[shown], file=error.filename, line=error.lineno or 0)
    text = [line.rstrip() for line in traceback.format_exception_only(error)]
    message, place = f"{_where(start)}: {text[-1]}", next(iter(frames.own(stack)), None)
    if place is None and start.stopped == CONFIGS:
        file, line = sources.find_text(settings_files, start.entry)
        return issue(catalogue.START_FAILED, message, file=file, line=line)
    return issue(catalogue.START_FAILED, message, place, _stack_lines(stack))


def chain_of(start: Start, error: BaseException) -> list[Stretch]:
    """The modules that were being imported when `error` was raised, outermost first."""
    return next((broken.chain for broken in start.finder.broken if broken.error is error), [])


def arrow(name: str, place: tuple[str, int] | None, target: str) -> str:
    """One edge of a drawn chain: importing module, imported module and line."""
    at = f"  ({place[0]}:{place[1]})" if place else ""
    return f"{name} → {target}{at}"


def _circular(start: Start, error: BaseException, stack: list[Frame]) -> Issue | None:
    """An ImportError, or AttributeError, about a module that is itself still being imported."""
    chain = chain_of(start, error)
    names = [stretch.name for stretch in chain]
    if isinstance(error, ImportError):
        wanted = error.name or ""
    elif isinstance(error, AttributeError):
        wanted = getattr(error.obj, "__name__", "") if isinstance(error.obj, type(sys)) else ""
    else:
        return None
    if wanted not in names or isinstance(error, ModuleNotFoundError):
        return None
    place = next(iter(frames.own(stack)), None)
    cycle = chain[names.index(wanted) :]
    edges = [arrow(one.name, two.place, two.name) for one, two in pairwise(cycle)]
    edges.append(arrow(cycle[-1].name, (place.file, place.line) if place else None, wanted))
    drawn = " → ".join([*(stretch.name for stretch in cycle), wanted])
    return issue(catalogue.CIRCULAR_IMPORT, f"{drawn}: {wanted} is not fully imported yet.", place, edges)


def _registry(start: Start, error: BaseException, stack: list[Frame]) -> Issue | None:
    from django.core.exceptions import AppRegistryNotReady

    if not isinstance(error, AppRegistryNotReady):
        return None
    chain = chain_of(start, error)
    edges = [arrow(stretch.by, stretch.place, stretch.name) for stretch in chain]
    place = frames.at_import(stack)
    innermost = stack[0].file if stack else ""
    if start.stopped == CONFIGS and _within(stack, "django/db/models/base.py", "__new__"):
        return _phase_one(start, chain, edges, place)
    if _within(stack, "django/utils/translation/"):
        return issue(catalogue.GETTEXT_AT_IMPORT, "gettext() runs before the registry is ready.", place, edges)
    if _within(stack, "django/db/models/query.py") or _within(stack, "django/db/models/sql/"):
        return issue(catalogue.QUERY_AT_IMPORT, "The ORM is used before all models are loaded.", place, edges)
    return issue(catalogue.REGISTRY_NOT_READY, f"{_where(start)}: {error}", place, edges or [innermost])


def _phase_one(start: Start, chain: list[Stretch], edges: list[str], place: Frame | None) -> Issue:
    """The cause is the first line of the app's own package, or of its configuration's module, on the way to a model."""
    app = start.entry
    first = next((item.place for item in chain[1:] if item.place and not frames.is_foreign(item.place[0])), None)
    last = chain[-1].name if chain else "models"
    message = f"{app} is configured, and that imports {last}, whose models need every app to be configured."
    if first is None:
        return issue(catalogue.MODELS_IN_PHASE_ONE, message, place, edges)
    return issue(catalogue.MODELS_IN_PHASE_ONE, message, None, edges, file=first[0], line=first[1])


def _configuration(start: Start, error: BaseException, settings_files: Sequence[str]) -> Issue | None:
    """Django's errors about INSTALLED_APPS, which name a label or a module, but not its place."""
    from django.core.exceptions import ImproperlyConfigured

    message = str(error)
    if isinstance(error, RuntimeError) and "more than one default AppConfig" in message:
        return several_configs(start.entry, message)
    if start.stopped != CONFIGS or not isinstance(error, ImproperlyConfigured):
        return None
    last = message.rpartition(" ")[2]
    if "names aren't unique" in message:
        file, line = sources.find_text(settings_files, last)
        return issue(catalogue.DUPLICATE_NAME, message, file=file, line=line)
    file, line = sources.find_text(settings_files, start.entry)
    if "labels aren't unique" in message:
        return _duplicate(start.entry, last, file, line)
    if "filesystem location" in message:
        return _namespace(start.entry, message, file, line)
    return None


def _duplicate(entry: str, label: str, file: str, line: int) -> Issue:
    from django.apps import apps

    first = apps.app_configs[label]
    details = [f"{label} is the label of {first.name}, configured by {_class_path(type(first))}"]
    message = f"{entry} has the label {label!r}, which {first.name} already has."
    return issue(catalogue.DUPLICATE_LABEL, message, details=details, file=file, line=line)


def _namespace(entry: str, error: str, file: str, line: int) -> Issue:
    module = sys.modules.get(entry)
    if module is None:
        from django.utils.module_loading import import_string

        module = sys.modules.get(import_string(entry).name)
    folders = sorted(set(getattr(module, "__path__", ())))
    message = f"{entry} has no __init__.py and is in {len(folders)} folders. Django needs one."
    return issue(catalogue.NAMESPACE_WITHOUT_PATH, message if folders else error, details=folders, file=file, line=line)


def several_configs(entry: str, message: str) -> Issue:
    """The issue of an app whose `apps` module has several candidates, each with its line."""
    module = sys.modules[f"{entry}.apps"]
    file = module.__file__ or ""
    lines = [(name, sources.line_of_class(file, name)) for name in candidates(module)]
    details = [f"{name}  ({file}:{line})" if line else f"{name}, imported there" for name, line in lines]
    line = max((line for _, line in lines), default=0)
    return issue(catalogue.SEVERAL_CONFIGS, message, details=details, file=file, line=line)


def candidates(module: ModuleType) -> list[str]:
    """The names of the AppConfig classes in `module` without default = False, as Django counts them."""
    from django.apps import AppConfig

    classes = ((name, item) for name, item in sorted(vars(module).items()) if isinstance(item, type))
    return [
        name
        for name, item in classes
        if issubclass(item, AppConfig) and item is not AppConfig and getattr(item, "default", True)
    ]


def _class_path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _within(stack: list[Frame], part: str, name: str = "") -> bool:
    return any(part in Path(frame.file).as_posix() and (not name or frame.name == name) for frame in stack)


def _where(start: Start) -> str:
    step = f"{start.app}.ready()" if start.stopped == READY and start.app else start.stopped
    return f"{step} of {start.app}" if start.app and start.stopped != READY else step


def _stack_lines(stack: list[Frame]) -> list[str]:
    return [f"{frame.file}:{frame.line} in {frame.name}" for frame in frames.own(stack)[:_INNER]]
