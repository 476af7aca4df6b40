"""Running one management command inside a function: output captured, failure told as a shell would, Django reset."""

from __future__ import annotations

import json
import logging
import os
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pocket.django.commands.output import captured
from pocket.django.commands.queue import parse
from pocket.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

logger = logging.getLogger("pocket.commands")


def run(body: object) -> dict[str, Any]:
    """Runs the command that `body` names, with the variables of its `environ`, and returns what became of it.

    The result: command, exit_status, stdout, stderr, result (None where JSON cannot say it) and traceback (None where
    nothing was raised but a CommandError). Where `on_failure` is not "report" a failure raises CommandFailed.
    """
    command, args, kwargs, report = parse(body)
    with _set(body["environ"] if isinstance(body, dict) and "environ" in body else {}):
        outcome = _outcome(command, args, kwargs)
    status = outcome["exit_status"]
    if status == 0 or report:
        return outcome
    logger.error("%s ended with exit status %s\n%s", command, status, outcome["traceback"] or outcome["stderr"])
    output = outcome["stdout"] + outcome["stderr"]
    said = (outcome["traceback"] or outcome["stderr"] or outcome["stdout"]).strip().rpartition("\n")[2]
    raise CommandFailed(
        f"The management command {command} ended with exit status {status}: {said}",
        "Its output is in the function's log.",
        exit_status=status,
        output=output,
    )


def reset() -> None:
    """Puts back what a command may leave behind: connections, language, time zone, cached connections, URL prefix."""
    from django.core.cache import close_caches
    from django.db import close_old_connections, reset_queries
    from django.urls import set_script_prefix, set_urlconf
    from django.utils import timezone, translation

    reset_queries()
    close_old_connections()
    close_caches()
    translation.deactivate()
    timezone.deactivate()
    set_urlconf(None)
    set_script_prefix("/")


@contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets the environment's variables for one command, and puts back what was there before."""
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


def _outcome(command: str, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    from django.core.management import call_command
    from django.core.management.base import CommandError

    status, value, trace = 0, None, None
    reset()
    with captured() as output:
        try:
            value = call_command(command, *args, **kwargs)
        except CommandError as error:
            status = error.returncode
            _complain(f"{type(error).__name__}: {error}\n")
        except SystemExit as error:
            status = _exit_status(error)
            if isinstance(error.code, str):
                _complain(f"{error.code}\n")
        except Exception:  # noqa: BLE001 - whatever a project's command raises is its failure, not ours
            status, trace = 1, traceback.format_exc()
        finally:
            reset()
        stdout, stderr = output.texts()
    return {
        "command": command,
        "exit_status": status,
        "stdout": stdout,
        "stderr": stderr,
        "result": _json(value),
        "traceback": trace,
    }


def _complain(text: str) -> None:
    import sys

    sys.stderr.write(text)


def _exit_status(error: SystemExit) -> int:
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1


def _json(value: object) -> Any:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None
