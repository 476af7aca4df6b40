"""Runs one management command inside a function: captures its output and status, and resets Django.

`outcome` does the same for other work.
"""

from __future__ import annotations

import json
import logging
import os
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pocket.django.commands.deadline import STOPPED, DeadlineReached, stopping
from pocket.django.commands.output import captured
from pocket.django.commands.queue import parse
from pocket.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pocket.django.commands.output import Captured

logger = logging.getLogger("pocket.commands")


class Outcome(NamedTuple):
    """What became of some captured work: `error` is what it raised, `traceback` None for an end that a shell explains.

    `exit_status` is what a shell would see. The texts are the last of what was written.
    """

    value: Any
    error: BaseException | None
    exit_status: int
    traceback: str | None
    stdout: str
    stderr: str


def run(body: object, seconds: float | None = None) -> dict[str, Any]:
    """Runs the command that `body` names, with the variables of its `environ`, and returns its outcome.

    A command that takes longer than `seconds` is stopped. The outcome: command, exit_status, stdout, stderr, result
    (None if it is not JSON) and traceback (None without an exception, and for a CommandError). Unless `on_failure` is
    "report", a failure raises CommandFailed.
    """
    command, args, kwargs, report = parse(body)
    with _set(body["environ"] if isinstance(body, dict) and "environ" in body else {}):
        found = outcome(lambda: _call(command, args, kwargs, seconds), seconds)
    if found.exit_status == 0 or report:
        return {
            "command": command,
            "exit_status": found.exit_status,
            "stdout": found.stdout,
            "stderr": found.stderr,
            "result": _json(found.value),
            "traceback": found.traceback,
        }
    logger.error("%s ended with exit status %s\n%s", command, found.exit_status, found.traceback or found.stderr)
    last = (found.traceback or found.stderr or found.stdout).strip().rpartition("\n")[2]
    raise CommandFailed(
        f"The management command {command} ended with exit status {found.exit_status}: {last}",
        "Its output is in the function's log.",
        exit_status=found.exit_status,
        output=found.stdout + found.stderr,
    )


def reset() -> None:
    """Resets what a command may have changed: connections, language, time zone, cached connections, URL prefix."""
    from django.core.cache import close_caches
    from django.urls import set_script_prefix, set_urlconf
    from django.utils import timezone, translation

    from pocket.django.configuration import databases

    databases.begin()
    close_caches()
    translation.deactivate()
    timezone.deactivate()
    set_urlconf(None)
    set_script_prefix("/")


@contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for one command, and restores the former values."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def outcome(work: Callable[[], Any], seconds: float | None) -> Outcome:
    """Does the work, for at most `seconds`, and returns what became of it: whatever it raises ends only itself."""
    from django.db import connections

    from pocket.django.configuration.databases import open_transactions, settle

    value, raised, status, trace = None, None, 0, None
    reset()
    outer = open_transactions()
    with captured() as output:
        try:
            with stopping(seconds):
                value = work()
        except BaseException as error:  # noqa: BLE001 - an exception ends the work, not this process
            raised = error
            status, trace = _failure(error, output)
            if isinstance(error, DeadlineReached):
                # It may have been stopped during a statement, from which no driver can continue.
                connections.close_all()
        finally:
            settle(outer)
            reset()
        stdout, stderr = output.texts()
    return Outcome(value, raised, status, trace, stdout, stderr)


def _call(name: str, args: list[Any], kwargs: dict[str, Any], seconds: float | None) -> Any:
    """The result of `call_command`; wrong arguments end it with its usage and status 2, as in a shell.

    `migrate` runs in `schema_changes.migrate_command`.
    """
    from django.core.management import call_command, get_commands, load_command_class
    from django.core.management.base import BaseCommand

    # The registry may have the command itself instead of its app's name.
    found: str | BaseCommand | None = get_commands().get(name)
    if found is None:
        return call_command(name, *args, **kwargs)
    command = found if isinstance(found, BaseCommand) else load_command_class(found, name)
    # Django sets this name for commands in a shell, and has no public one; parsers of subcommands inherit it. Without
    # it, wrong arguments are a CommandError with status 1.
    command._called_from_command_line = True  # type: ignore[attr-defined]
    if name == "migrate":
        from pocket.django.schema_changes.migrate_command import migrate

        return migrate(command, args, kwargs, seconds)
    return call_command(command, *args, **kwargs)


def _failure(error: BaseException, output: Captured) -> tuple[int, str | None]:
    """The exit status and traceback of a command's exception; a message that a shell would show goes to `output`."""
    from django.core.management.base import CommandError, SystemCheckError

    if isinstance(error, CommandError):
        prefix = "" if isinstance(error, SystemCheckError) else f"{type(error).__name__}: "
        output.add_error(f"{prefix}{error}\n")
        return _exit_status(error.returncode), None
    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            output.add_error(f"{error.code}\n")
        return _exit_status(error.code), None
    status = STOPPED if isinstance(error, DeadlineReached) else 130 if isinstance(error, KeyboardInterrupt) else 1
    return status, "".join(traceback.format_exception(error))


def _exit_status(code: object) -> int:
    """The status of `sys.exit(code)` in a shell: the last eight bits of a number."""
    if code is None:
        return 0
    if not isinstance(code, int):
        return 1
    # Python passes a C long to the system, and -1 for a larger number.
    return code & 0xFF if -(2**63) <= code < 2**63 else 255


def _json(value: object) -> Any:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None
