"""Management commands inside Lambda, each as one invocation, and their outcome."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.aws import log_text
from pocket.deploy.aws.session import Clients
from pocket.deploy.reporting import last_lines
from pocket.errors import AWSCallFailed, CommandFailed, DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_lambda.type_defs import InvocationResponseTypeDef

    from pocket.config import StageConfig
    from pocket.deploy.target import Target

GRACE = 30
"""Seconds to wait for a response beyond the function's timeout, which does not include a cold start."""

READY_AFTER = 300.0
"""Seconds in which Lambda prepares a function that is new, or that it has put aside after weeks without use."""

PAUSE = 0.5

_NOT_READY = frozenset(
    {
        "CodeArtifactUserPendingException",
        "ENINotReadyException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "SnapStartNotReadyException",
    }
)
"""Lambda's refusals meanwhile, for a snapshot or a network interface: the function has not run."""

_INTERRUPTED = frozenset({"ConnectionClosedError", "ReadTimeoutError"})
"""botocore's errors of a call that had reached AWS."""


@dataclass(frozen=True)
class Outcome:
    """How a management command ended; `result` is its return value, as decoded from JSON.

    `log_tail` is the end of this invocation's log, with Lambda's own lines.
    """

    command: str
    exit_status: int
    stdout: str
    stderr: str
    result: Any = None
    traceback: str | None = None
    log_tail: str = ""


def manage(
    stage: StageConfig,
    target: Target,
    command: str,
    args: Sequence[str],
    *,
    qualifier: str = naming.ALIAS,
    environ: Mapping[str, str] | None = None,
    note: Callable[[str], None] | None = None,
) -> Outcome:
    """Runs a management command in the stage's management handler and waits for its end.

    `qualifier` is the function's version, or an alias of one. `environ` has variables for this command only. `note`
    shows that the command continues if the waiting ends first, by Ctrl-C or a network error.

    Raises CommandFailed if the function failed before the command could report, DeployError if the stage has no such
    handler or is not deployed. The invocation is never repeated.
    """
    handler, timeout = _management_handler(stage)
    body: dict[str, Any] = {"command": command, "args": list(args), "kwargs": {}, "on_failure": "report"}
    if environ:
        body["environ"] = dict(environ)
    client, begun = Clients(target).invoker(timeout + GRACE), Event()
    try:
        answer = once_ready(client, stage.function_name(handler), qualifier, body, begun=begun)
    except AWSCallFailed as error:
        if error.code == "ResourceNotFoundException":
            raise DeployError(
                f"Stage {stage.name!r} has no function {stage.function_name(handler)}: it is not deployed.",
                f"pocket deploy --stage {stage.name}",
            ) from error
        if error.code in _INTERRUPTED:
            _note_continuation(stage, command, timeout, note)
        raise
    except (KeyboardInterrupt, SystemExit):
        if begun.is_set():
            _note_continuation(stage, command, timeout, note)
        raise
    text = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise _failed(command, handler, stage, text, log_tail(answer))
    return replace(_outcome(command, text), log_tail=log_tail(answer))


def once_ready(
    client: LambdaClient,
    function: str,
    qualifier: str,
    event: Mapping[str, Any],
    *,
    begun: Event | None = None,
    stop: Event | None = None,
) -> InvocationResponseTypeDef:
    """Lambda's response to one invocation, with the end of its log, as soon as Lambda has prepared the function.

    `begun` is set while the function may run. No invocation begins after `stop`, which another thread sets.
    """
    begun, stop, last = begun or Event(), stop or Event(), time.monotonic() + READY_AFTER
    while True:
        begun.set()
        try:
            return client.invoke(FunctionName=function, Qualifier=qualifier, Payload=json.dumps(event), LogType="Tail")
        except AWSCallFailed as error:
            if error.code not in _NOT_READY or time.monotonic() > last:
                raise
            begun.clear()
            if stop.wait(PAUSE):
                raise


def _note_continuation(stage: StageConfig, command: str, timeout: int, note: Callable[[str], None] | None) -> None:
    if note is not None:
        what = "The migration" if command == "migrate" else f"`{command}`"
        note(
            f"{what} continues inside Lambda until it ends or reaches the function's timeout of {timeout} s."
            f" `pocket logs --stage {stage.name} --follow` shows its progress."
        )


def log_tail(answer: Mapping[str, Any]) -> str:
    """The end of the log, 4 KB at most, in the response to an invocation with `LogType="Tail"`."""
    return base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")


def own_command_failed(stage: StageConfig, command: str, outcome: Outcome, what: str) -> CommandFailed:
    """The error for a failed management command of Pocket's own; `what` is a description of the failure."""
    if "Unknown command" in outcome.stderr:
        return CommandFailed(
            f"The release of stage {stage.name!r} has no management command {command}.",
            'Add "pocket.django" to INSTALLED_APPS, with the same django-pocket as this command, and deploy.',
        )
    output = last_lines(outcome.traceback or outcome.stderr or outcome.stdout)
    return CommandFailed(f"{what}:\n{output}", exit_status=outcome.exit_status or 1)


def _management_handler(stage: StageConfig) -> tuple[str, int]:
    name = stage.command_handler
    if name is None or stage.awscontainer is None:
        raise DeployError(
            f"Stage {stage.name!r} has no handler for management commands.",
            f'Add one to pocket.toml: [awscontainer.handlers.management] with command = "{naming.MANAGEMENT_HANDLER}".',
        )
    return name, stage.awscontainer.handlers[name].timeout


def _failed(command: str, handler: str, stage: StageConfig, text: str, tail: str) -> CommandFailed:
    """The error for a function that raised an exception; `text` is its payload, `tail` the end of its log."""
    try:
        facts = json.loads(text)
    except ValueError:
        facts = {}
    facts = facts if isinstance(facts, dict) else {}
    kind, message = facts.get("errorType", "an error"), facts.get("errorMessage", text[:500])
    return CommandFailed(
        f"{command}: handler {handler!r} failed with {kind}: {message}",
        f"`pocket logs --stage {stage.name}` shows its log.",
        output=log_text.written(tail.splitlines()),
    )


def _outcome(command: str, text: str) -> Outcome:
    try:
        facts = json.loads(text)
        return Outcome(
            command=facts.get("command", command),
            exit_status=int(facts["exit_status"]),
            stdout=facts.get("stdout") or "",
            stderr=facts.get("stderr") or "",
            result=facts.get("result"),
            traceback=facts.get("traceback"),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CommandFailed(
            f"{command}: the handler's response is not one of {naming.MANAGEMENT_HANDLER}: {text[:200]}",
            "Use the same version of django-pocket for the `pocket` command and in the project's requirements.",
        ) from None
