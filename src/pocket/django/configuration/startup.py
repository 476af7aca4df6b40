"""Starting Django in a function, once, as fast as it goes: what happens between the import of a handler and its first
event.

The stage's secrets are asked for before Django is imported. The garbage collector rests meanwhile, since what a start
makes stays; afterwards the heap is frozen, so that no later collection walks it.
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
from pocket.runtime import loggers, manifest_file
from pocket.runtime.json_logs import invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Handler = Callable[[Any, Any], Any]


def build(load: Callable[[], Callable[[], Handler]]) -> Handler:
    """Starts Django and returns the handler that `load()()` gives, wrapped so that each invocation begins well.

    `load` imports what needs no settings, as much of Django as possible: meanwhile AWS answers.

    A failure is printed with its traceback: Lambda shows an exception's last line only. An AttributeError becomes a
    RuntimeError, since the runtime takes it for a handler that the module lacks; so does an error that shows a secret.
    """
    try:
        with _resting_collector():
            _send_ahead()
            make = load()
            _set_up()
            handler = _wrap(make())
            # What was just imported may have configured logging again.
            loggers.enable()
            return handler
    except BaseException as error:
        told = traceback.format_exc()
        shown = _without_secrets(told)
        sys.stderr.write(shown)
        if shown != told:
            # What a library says of a secret's value would be shown by Lambda, too.
            raise RuntimeError(_without_secrets(f"The function did not start: {error}")) from None
        if isinstance(error, AttributeError):
            raise RuntimeError(f"The function did not start: {error}") from error
        raise


def _without_secrets(text: str) -> str:
    from pocket.django import runtime
    from pocket.django.configuration import source
    from pocket.runtime.redaction import redacted

    known = runtime.registered(source.stage_name())
    return redacted(text, known.secrets) if known else text


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
    """What to call before each invocation, where the stage's secrets are to be read again from time to time."""
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
    """Sends the calls that `set_envs()` will wait for; what goes wrong here comes up there, with its words."""
    environ = os.environ
    name = environ.get(STAGE_KEY)
    if not name or PLACEHOLDER_KEY in environ or "django.conf" in sys.modules:
        return
    try:
        path = manifest_file.locate()
        if path is None:
            return
        manifest = manifest_file.read(path)
        stage = manifest.stages.get(name)
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
    django.setup()
    _heal()

    from pocket.django.configuration.logging import configure

    configure(lambdas_handlers)


def _heal() -> None:
    """Where the stage has secrets, a password that a database refuses makes the process read them again."""
    from pocket.django import runtime
    from pocket.django.configuration import databases, source

    known = runtime.registered(source.stage_name())
    if known is None or not known.secrets:
        return

    def renew() -> None:
        from pocket.django.configuration import refresh

        refresh.renew()

    databases.renew_when_refused(renew)


def check_before_reuse(databases: Mapping[str, dict[str, Any]]) -> None:
    """Turns CONN_HEALTH_CHECKS on where the project does not say, since a freeze may outlast a connection.

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
