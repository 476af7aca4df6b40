"""A second run of ready(), and what it registers again, by the line of ready()."""

from __future__ import annotations

import atexit
import gc
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

from pocket.doctor import catalogue, frames
from pocket.doctor.catalogue import issue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import CodeType, FrameType

    from pocket.doctor.report.model import Issue

_UNSEEN = frozenset({"__builtins__", "__annotations__", "__annotate__", "__conditional_annotations__"})


def run_twice() -> list[Issue]:
    """The issues of every app with a ready() of its own. Needs a full registry, which is unusable afterwards."""
    from django.apps import AppConfig, apps

    found: list[Issue] = []
    for config in apps.get_app_configs():
        method = type(config).ready
        code = getattr(method, "__code__", None)
        if method is not AppConfig.ready and code is not None and not frames.is_foreign(code.co_filename):
            found += _second_run(config, code)
    return found


def _second_run(config: Any, code: CodeType) -> Iterator[Issue]:
    """Runs ready() of `config` again and counts registrations after each of its lines."""
    counting = _Counting(code, registrations())
    traced = sys.gettrace()
    sys.settrace(counting.trace)
    failure: Exception | None = None
    try:
        type(config).ready(config)
    except Exception as error:  # noqa: BLE001 - a second run that fails is an issue
        failure = error
    finally:
        sys.settrace(traced)
    counting.count(counting.line)
    if counting.grown:
        lines = sorted(counting.grown.items())
        names = ", ".join(dict.fromkeys(name for _, grown in lines for name in sorted(grown)))
        message = f"{config.name}: a second ready() registers again: {names}."
        details = [
            f"{code.co_filename}:{line}  {name}: {grown[name]} more" for line, grown in lines for name in sorted(grown)
        ]
        yield issue(catalogue.NOT_IDEMPOTENT, message, details=details, file=code.co_filename, line=lines[0][0])
    if failure is not None:
        stack = frames.of_traceback(failure.__traceback__)
        line = next((frame.line for frame in stack if frame.name == code.co_name), code.co_firstlineno)
        message = f"{config.name}: a second ready() fails: {type(failure).__name__}: {failure}"
        yield issue(catalogue.NOT_IDEMPOTENT, message, file=code.co_filename, line=line)


class _Counting:
    """A trace function that compares the counts at the beginning of each line of `code`."""

    def __init__(self, code: CodeType, counters: Mapping[str, Callable[[], int]]) -> None:
        self.code = code
        self.counters = counters
        self.line = code.co_firstlineno
        self.grown: dict[int, dict[str, int]] = {}
        self._last = {name: counter() for name, counter in counters.items()}

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code is not self.code:
            return None
        if event in {"line", "return"}:
            self.count(self.line)
            self.line = frame.f_lineno
        return self.trace

    def count(self, line: int) -> None:
        """Records under `line` the counts that have grown since the last call."""
        for name, counter in self.counters.items():
            now = counter()
            if now > self._last[name]:
                grown = self.grown.setdefault(line, {})
                grown[name] = grown.get(name, 0) + now - self._last[name]
            self._last[name] = now


def registrations() -> dict[str, Callable[[], int]]:
    """Places where code registers something, by name, each with a function that counts the present entries."""
    found: dict[str, Callable[[], int]] = {}
    found |= _signals()
    found |= _checks()
    found["threads"] = lambda: len(threading.enumerate())
    found["atexit functions"] = atexit._ncallbacks
    found["sys.path"] = lambda: len(sys.path)
    found["sys.meta_path"] = lambda: len(sys.meta_path)
    found["log handlers"] = _log_handlers
    found |= _settings()
    found |= _containers()
    return found


def _signals() -> dict[str, Callable[[], int]]:
    from django.dispatch import Signal

    found: dict[str, Callable[[], int]] = {}
    names = _signal_names()
    for signal in gc.get_objects():
        if isinstance(signal, Signal):
            name = names.get(id(signal), "a signal")
            found[f"signal {name}" if name not in found else f"signal {name} {id(signal)}"] = _receivers(signal)
    return found


def _signal_names() -> dict[int, str]:
    """The names of signals in their modules, by id()."""
    from django.dispatch import Signal

    found: dict[int, str] = {}
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if isinstance(value, Signal):
                found.setdefault(id(value), name)
    return found


def _receivers(signal: Any) -> Callable[[], int]:
    return lambda: len(signal.receivers)


def _checks() -> dict[str, Callable[[], int]]:
    from django.core.checks.registry import registry

    return {
        "checks": lambda: len(registry.registered_checks),
        "deployment checks": lambda: len(registry.deployment_checks),
    }


def _log_handlers() -> int:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    return sum(len(logger.handlers) for logger in loggers if isinstance(logger, logging.Logger))


def _settings() -> dict[str, Callable[[], int]]:
    """Settings that are lists, dictionaries or sets, to which ready() may add."""
    from django.conf import settings

    values = ((name, getattr(settings, name, None)) for name in dir(settings) if name.isupper())
    return {f"settings.{name}": _length(value) for name, value in values if isinstance(value, list | dict | set)}


def _containers() -> dict[str, Callable[[], int]]:
    """Lists, dictionaries and sets in variables of the project's own modules, which may be registries."""
    found: dict[str, Callable[[], int]] = {}
    for module_name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or frames.is_foreign(file):
            continue
        for name, value in list(vars(module).items()):
            if name not in _UNSEEN and type(value) in {list, dict, set}:
                found[f"{module_name}.{name}"] = _length(value)
    return found


def _length(container: Any) -> Callable[[], int]:
    return lambda: len(container)
