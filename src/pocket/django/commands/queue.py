"""Management commands in SQS messages: creating, sending and parsing them."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.django.commands import job_record
from pocket.django.commands.job_record import Entry
from pocket.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    Mode = Literal["either", "direct", "sqs"]

logger = logging.getLogger("pocket.queue")

_KEYS = {"command", "args", "kwargs", "on_failure", "environ"}


def call(
    command: str,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    mode: Mode = "either",
    queue_key: str = naming.DEFAULT_QUEUE_KEY,
) -> Any:
    """Runs the command here, or sends it, as `pocket.django.utils.pocket_call_command` documents."""
    arguments, options = _checked(args, kwargs)
    url = os.environ.get(naming.queue_url_key(queue_key))
    if mode == "sqs" and not url:
        raise CommandFailed(
            f"{command} cannot be sent: the environment has no {naming.queue_url_key(queue_key)}.",
            f"Add a handler [awscontainer.handlers.{queue_key}] with command = "
            f'"{naming.SQS_MANAGEMENT_HANDLER}" and a table sqs to pocket.toml, deploy, and call set_envs() in'
            " settings.py.",
        )
    if mode == "direct" or not url:
        from django.core.management import call_command

        return call_command(command, *arguments, **options)
    from pocket.runtime import sqs

    sent = sqs.send(url, _message(command, arguments, options, sqs.LARGEST_BODY), region=_region())
    _record(Entry(sent, "command", command, arguments, options, handler=queue_key))
    return sent


def send_again(body: str, queue_key: str, *, attributes: Mapping[str, str]) -> None:
    """Sends a command's message once more; raises CommandFailed without the queue's URL, or AWSCallFailed."""
    from pocket.runtime import sqs

    url = os.environ.get(naming.queue_url_key(queue_key))
    if not url:
        raise CommandFailed(
            f"The environment has no {naming.queue_url_key(queue_key)}.", "Call set_envs() in settings.py."
        )
    sqs.send(url, body, region=_region(), attributes=attributes)


def _record(entry: Entry) -> None:
    """Records a command that was sent; it runs even where that fails, and is recorded then."""
    try:
        job_record.current().enqueued(entry)
    except Exception:
        logger.exception("The job %s could not be recorded yet.", entry.id)


def parse(body: object, *, environ: bool = True) -> tuple[str, list[Any], dict[str, Any], bool]:
    """The command, its arguments, its options, and whether its failure is reported rather than raised.

    `body` is the decoded JSON, with the key "environ" only if `environ` allows it. Raises CommandFailed, saying what it
    should have looked like.
    """
    if not isinstance(body, dict):
        raise _unreadable(f"it is {type(body).__name__}, not an object")
    command, args, kwargs = body.get("command"), body.get("args", []), body.get("kwargs", {})
    mode = body.get("on_failure", "raise")
    unknown = body.keys() - (_KEYS if environ else _KEYS - {"environ"})
    if unknown:
        raise _unreadable(f"it has the key {min(unknown)!r}")
    if not isinstance(command, str) or not command:
        raise _unreadable('"command" is not the name of a command')
    if not isinstance(args, list):
        raise _unreadable('"args" is not a list')
    if not isinstance(kwargs, dict):
        raise _unreadable('"kwargs" is not an object')
    variables = body.get("environ", {})
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise _unreadable('"environ" is not an object of strings')
    if mode not in {"raise", "report"}:
        raise _unreadable('"on_failure" is neither "raise" nor "report"')
    return command, args, kwargs, mode == "report"


def _checked(args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None) -> tuple[list[Any], dict[str, Any]]:
    if isinstance(args, str | bytes):
        raise TypeError("args is a list of arguments, not one string.")
    return list(args or ()), dict(kwargs or {})


def _message(command: str, args: list[Any], kwargs: dict[str, Any], limit: int) -> str:
    for index, value in enumerate(args):
        _survives(f"args[{index}]", value)
    for name, value in kwargs.items():
        _survives(f"kwargs[{name!r}]", value)
    # ASCII only: SQS refuses some characters that JSON can escape.
    body = json.dumps({"command": command, "args": args, "kwargs": kwargs})
    if len(body) > limit:
        raise ValueError(
            f"{command} with its arguments is a message of {len(body):,} bytes; the limit is {limit:,}."
            " Store the data, and pass its place."
        )
    return body


def _survives(name: str, value: object) -> None:
    try:
        same = json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise TypeError(
            f"{name} is a {type(value).__name__} that JSON would change: pass strings, numbers, booleans, None, lists"
            " and dictionaries with string keys."
        )


def _region() -> str:
    region = os.environ.get(naming.REGION_KEY) or os.environ.get("AWS_REGION")
    if not region:
        raise CommandFailed(
            f"A command cannot be sent: the environment has no {naming.REGION_KEY}.", "Call set_envs() in settings.py."
        )
    return region


def _unreadable(why: str) -> CommandFailed:
    return CommandFailed(
        f"The message names no command to run: {why}.",
        'Send {"command": "migrate", "args": ["--noinput"], "kwargs": {}}.',
        exit_status=2,
    )
