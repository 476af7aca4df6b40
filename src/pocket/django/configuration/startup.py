"""Starts Django in a function: what happens between the import of a handler and its first event.

The calls for the stage's secrets are sent before Django is imported. The garbage collector is disabled meanwhile, since
a start's objects are permanent; then the heap is frozen, so that later collections skip it.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pocket.errors import PocketError
from pocket.naming import PLACEHOLDER_KEY, STAGE_KEY
from pocket.runtime import loggers, manifest_file, variables
from pocket.runtime.json_logs import invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Handler = Callable[[Any, Any], Any]


def build(load: Callable[[], Callable[[], Handler]]) -> Handler:
    """Starts Django and returns the handler of `load()()`, wrapped in what each invocation does first.

    `load` imports what needs no settings, as much of Django as possible, while AWS responds.

    An error is printed with its traceback, since Lambda shows only an exception's last line. An AttributeError becomes
    a RuntimeError, since Lambda's runtime takes it as a missing handler. An error that shows a secret becomes a
    RuntimeError that does not.
    """
    try:
        with _resting_collector():
            _send_ahead()
            make = load()
            _set_up()
            handler = _wrap(make())
            # The imports may have configured logging again.
            loggers.enable()
            return handler
    except BaseException as error:
        from pocket.django.configuration.secrecy import without_secrets

        text = traceback.format_exc()
        shown = without_secrets(text)
        sys.stderr.write(shown)
        if shown != text:
            # Lambda would show the message, which contains a secret.
            raise RuntimeError(without_secrets(f"The function did not start: {error}")) from None
        if isinstance(error, AttributeError):
            raise RuntimeError(f"The function did not start: {error}") from error
        raise


def _wrap(handler: Handler) -> Handler:
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        from pocket.django.configuration import snapstart

        snapstart.register()
    check = _check()
    if check is not None:
        return _checked(handler, check)

    def handle(event: Any, context: Any) -> Any:
        invocation.begin(getattr(context, "aws_request_id", None))
        return handler(event, context)

    return handle


def _check() -> Callable[[], None] | None:
    """A function to call before each invocation, if the stage's secrets have a refresh interval; else None."""
    from pocket.django import runtime
    from pocket.django.configuration import source

    name = source.stage_name()
    if name is None or runtime.registered(name) is None or not source.stage(source.manifest()[0], name).secret_refresh:
        return None
    from pocket.django.configuration.refresh import checker

    return checker()


def _checked(handler: Handler, check: Callable[[], None]) -> Handler:
    def handle(event: Any, context: Any) -> Any:
        invocation.begin(getattr(context, "aws_request_id", None))
        check()
        return handler(event, context)

    return handle


def _send_ahead() -> None:
    """Sends the calls that `set_envs()` will wait for; errors in the manifest are raised there."""
    environ = os.environ
    name = environ.get(STAGE_KEY)
    if not name or PLACEHOLDER_KEY in environ or "django.conf" in sys.modules:
        return
    try:
        path = manifest_file.locate()
        if path is None:
            return
        manifest = manifest_file.read(path)
        stage = variables.stage_of(manifest, name, environ)
    except PocketError:
        return
    if stage is not None:
        from pocket.runtime import prefetch

        prefetch.start(manifest, stage, environ)


def _set_up() -> None:
    import django
    from django.conf import settings

    from pocket.django.configuration import databases

    lambdas_handlers = logging.root.handlers.copy()
    check_before_reuse(settings.DATABASES)
    databases.bound_waits(settings.DATABASES)
    _heal(settings.DATABASES)
    django.setup()

    from pocket.django.configuration.logging import configure

    configure(lambdas_handlers)


def _heal(entries: Mapping[str, dict[str, Any]]) -> None:
    """If the stage has secrets, lets the process read them again when a database refuses a password."""
    from pocket.django import runtime
    from pocket.django.configuration import databases, source

    known = runtime.registered(source.stage_name())
    if known is None or not known.secrets:
        return

    def renew() -> None:
        from pocket.django.configuration import refresh

        refresh.renew()

    databases.renew_when_refused(entries, renew)


def check_before_reuse(databases: Mapping[str, dict[str, Any]]) -> None:
    """Turns CONN_HEALTH_CHECKS on unless the project sets it, since a connection may end while Lambda freezes.

    To be called before Django's first connection.
    """
    for entry in databases.values():
        entry.setdefault("CONN_HEALTH_CHECKS", True)


@contextmanager
def _resting_collector() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
