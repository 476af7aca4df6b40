"""The Lambda handler around a callable of the project, `(event, context)`: events, schedules and queues reach it.

Django is set up before the callable is imported. Each invocation begins and ends as a request does: connections are
checked, and language, time zone and open transactions of one event do not reach the next.
"""

from __future__ import annotations

import inspect
from contextvars import copy_context
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.db import connections

from pocket.asgi.loop import refuse_running_loop
from pocket.django.commands.command import reset
from pocket.django.commands.deadline import DeadlineReached, seconds_left, stopping
from pocket.django.configuration.databases import open_transactions, settle
from pocket.django.configuration.errors import SetupFailed
from pocket.errors import DeadlineExceeded
from pocket.naming import CALLABLE_KEY, PROBE

if TYPE_CHECKING:
    from collections.abc import Callable


def make_event_handler(path: str) -> EventHandler:
    """The handler of the callable at the dotted `path`; raises SetupFailed where it cannot be one."""
    if not path:
        raise SetupFailed(
            f"The environment has no {CALLABLE_KEY}, so there is no callable to run.",
            "Deploy the function with `pocket deploy`, which sets it from the handler's command.",
        )
    function = imported(path)
    if issue := unsuitable(function):
        raise SetupFailed(f"The command {path} cannot be a handler: {issue}.", SIGNATURE)
    return EventHandler(path, function)


SIGNATURE = "Write it as `def NAME(event, context):`, or `async def`."


def imported(path: str) -> Any:
    """What the dotted `path` names. Raises SetupFailed where there is no such module or name, and what the module's own
    code raises."""
    module, _, name = path.rpartition(".")
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise SetupFailed(f"The command {path} cannot be imported: there is no module {error.name!r}.") from error
    try:
        return getattr(found, name)
    except AttributeError as error:
        raise SetupFailed(f"The command {path} cannot be imported: the module {module!r} has no {name!r}.") from error


def unsuitable(function: Any) -> str:
    """Why `function` cannot be called with an event and a context, as a clause; "" if it can."""
    if not callable(function):
        return f"it is {type(function).__name__}, which is not callable"
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a callable written in C may have none
        return ""
    try:
        signature.bind({}, None)
    except TypeError:
        return f"its signature is {signature}, but Lambda calls it with an event and a context"
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return "it is a generator, whose code would not run"
    return ""


class EventHandler:
    """Runs the callable for each event, until shortly before Lambda's deadline."""

    def __init__(self, path: str, function: Callable[[Any, Any], Any]) -> None:
        self.path = path
        self.time_limit: Any = None
        """The context of the invocation, which bounds the time of a coroutine."""
        self._waits = any(map(inspect.iscoroutinefunction, (function, type(function).__call__)))
        self._function = self._synchronous(function) if self._waits else function

    def _synchronous(self, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        from pocket.django.http.coroutines import Bridge

        return Bridge().synchronous(function, self, self.path)

    def __call__(self, event: Any, context: Any) -> Any:
        """What the callable returns. Its exceptions pass, so that Lambda delivers the event again.

        Raises TimeoutError if it is stopped because the function has no time left.
        """
        if event == PROBE:
            return {"started": self.path}
        if self._waits:
            refuse_running_loop()
        self.time_limit = context
        return copy_context().run(self._run, event, context)

    def _run(self, event: Any, context: Any) -> Any:
        reset()
        outer = open_transactions()
        # A coroutine has the deadline of the loop that it runs on.
        seconds = seconds_left(context) if context is not None and not self._waits else None
        try:
            with stopping(seconds):
                return self._function(event, context)
        except (DeadlineReached, DeadlineExceeded):
            # It may have been stopped in the middle of a statement, and no driver goes on from there.
            connections.close_all()
            raise TimeoutError(f"{self.path} was stopped: the function has no time left.") from None
        finally:
            settle(outer)
            reset()
