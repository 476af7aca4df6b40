"""Gate `startup`: starts the new versions of callables of the project, and measures a start if it has a budget."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.aws import invoke, log_lines
from pocket.deploy.aws.invoke import log_tail
from pocket.deploy.gates.checks import note_init
from pocket.deploy.gates.gate import STARTUP, Candidate, refusal
from pocket.deploy.gates.request import invoke_version
from pocket.doctor.report.model import Report, exceeds
from pocket.errors import PocketError

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.target import Target

COMMAND = "pocket_startup"


def check(candidate: Candidate, target: Target) -> None:
    """Starts each callable of the project, and measures a start.

    Raises GateRefused if a callable does not start, or a start takes longer than `[awscontainer.startup] budget_ms`.
    """
    start_callables(candidate)
    stage, version = candidate.stage, candidate.management_version
    container = stage.awscontainer
    if version is None or container is None or container.startup.budget_ms is None:
        return
    with candidate.reporter.step(f"Gate {STARTUP}: measure a start inside Lambda"):
        try:
            report = examine(stage, target, path=container.gate.path, qualifier=version)
        except PocketError as error:
            raise refusal(stage, candidate.live, STARTUP, [error.message], error.hint) from error
        if excess := exceeds(container.startup.budget_ms, report):
            raise refusal(stage, candidate.live, STARTUP, [excess])
    candidate.reporter.note(f"A start takes {report.total_ms:.0f} ms; the budget is {container.startup.budget_ms} ms.")


def start_callables(candidate: Candidate) -> None:
    """Sends the probe to the new version of each handler that runs a callable of the project."""
    container = candidate.stage.awscontainer
    for handler, declared in container.handlers.items() if container is not None else ():
        if not declared.runs_callable or handler not in candidate.versions:
            continue
        with candidate.reporter.step(f"Gate {STARTUP}: start {handler}"):
            answer = invoke_version(candidate, handler, naming.PROBE)
            tail = log_tail(answer)
            if answer.get("FunctionError"):
                facts = json.loads(answer["Payload"])
                log = log_lines.written_in(tail)
                reason = f"{facts.get('errorType', 'an error')}: {facts.get('errorMessage', '')}"
                issue = f"Handler {handler!r} did not start: {reason}" + (f"\n{log}" if log else "")
                raise refusal(candidate.stage, candidate.live, STARTUP, [issue])
        note_init(candidate.reporter, handler, tail)


def examine(stage: StageConfig, target: Target, *, path: str = "/", qualifier: str = naming.ALIAS) -> Report:
    """The report of a deployed release, from new processes inside Lambda, with its own settings and secrets.

    `qualifier` is the management function's version, or an alias of one. Raises as `invoke.manage`, and CommandFailed
    if the release cannot be diagnosed.
    """
    outcome = invoke.manage(stage, target, COMMAND, ["--format", "json", "--path", path], qualifier=qualifier)
    if outcome.exit_status == 0:
        return Report.from_json(outcome.stdout.strip().rpartition("\n")[2])
    raise invoke.own_command_failed(
        stage, COMMAND, outcome, f"The start of stage {stage.name!r} could not be diagnosed"
    )
