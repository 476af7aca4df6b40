"""The Lambda handlers: the dotted paths for `command` in pocket.toml.

    pocket.django.lambda_handlers.wsgi_handler                    HTTP through Django
    pocket.django.lambda_handlers.asgi_handler                    the same for asynchronous views
    pocket.django.lambda_handlers.management_command_handler      a management command, invoked directly or scheduled
    pocket.django.lambda_handlers.sqs_management_command_handler  management commands from a queue

`event_handler` runs a callable of the project. The deploy chooses it for a `command` that is not one of Pocket's.

Each is built on first access: Lambda's runtime accesses one of them during INIT, and a function builds only that.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pocket.naming import CALLABLE_KEY, MODULES_FILES

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[Any, Any], Any]

    asgi_handler: Handler
    event_handler: Handler
    management_command_handler: Handler
    sqs_management_command_handler: Handler
    wsgi_handler: Handler

__all__ = [
    "asgi_handler",
    "event_handler",
    "management_command_handler",
    "sqs_management_command_handler",
    "wsgi_handler",
]


def _wsgi() -> Callable[[], Handler]:
    from pocket.django.http.wsgi import make_wsgi_handler

    return lambda: _warmed(make_wsgi_handler())


def _asgi() -> Callable[[], Handler]:
    from pocket.django.http.asgi import make_asgi_handler

    return lambda: _warmed(make_asgi_handler())


def _warmed(handler: Handler) -> Handler:
    from pocket.django.http.cdn import behind_cdn
    from pocket.django.http.warmup import warm_up

    warm_up()
    return behind_cdn(handler)


def _management() -> Callable[[], Handler]:
    from pocket.django.commands import command as commands
    from pocket.django.commands.deadline import seconds_left

    return lambda: lambda event, context: commands.run(event, seconds_left(context) if context else None)


def _queue() -> Callable[[], Handler]:
    from pocket.django.commands import batch, log_lines

    log_lines.install()
    return lambda: batch.run


def _event() -> Callable[[], Handler]:
    from pocket.django import events

    return lambda: events.make_event_handler(os.environ.get(CALLABLE_KEY, ""))


_LOADERS = {
    "wsgi_handler": _wsgi,
    "asgi_handler": _asgi,
    "event_handler": _event,
    "management_command_handler": _management,
    "sqs_management_command_handler": _queue,
}


def _use_bundles() -> None:
    """Makes Python import from the artifact's module bundles, if it has any."""
    root = os.environ.get("LAMBDA_TASK_ROOT")
    if not root:
        return
    for name in MODULES_FILES:
        path = f"{root}/{name}"
        if os.path.isfile(path):  # noqa: PTH113 - pathlib is not imported yet
            from pocket import bundle

            bundle.install(path, root)


def __getattr__(name: str) -> Any:
    load = _LOADERS.get(name)
    if load is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _use_bundles()
    from pocket.django.configuration.startup import build

    handler = globals()[name] = build(load)
    return handler
