"""Gate `startup`: starts the new versions of callables of the project, and measures a start if it has a budget."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.aws import invoke, log_text
from pocket.deploy.aws.invoke import log_tail
from pocket.deploy.gates.checks import note_init
from pocket.deploy.gates.gate import STARTUP, Candidate, refusal
from pocket.doctor.report.model import Report, exceeds
from pocket.errors import PocketError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.config import StageConfig
    from pocket.deploy.gates.invocations import Answers
    from pocket.deploy.target import Target

COMMAND = "pocket_startup"


def events(candidate: Candidate) -> dict[str, Mapping[str, Any]]:
    """The probe to each handler that runs a callable of the project."""
    container = candidate.stage.awscontainer
    handlers = container.handlers if container is not None else {}
    return {
        handler: naming.PROBE
        for handler, declared in handlers.items()
        if declared.runs_callable and handler in candidate.versions
    }


def check(candidate: Candidate, target: Target, answers: Answers) -> None:
    """Waits until each callable of the project has started, by the answers to `events`, and measures a start.

    Raises GateRefused if a callable does not start, or a start takes longer than `[awscontainer.startup] budget_ms`.
    """
    _check_callables(candidate, answers)
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


def _check_callables(candidate: Candidate, answers: Answers) -> None:
    for handler, waited in answers.items():
        with candidate.reporter.step(f"Gate {STARTUP}: start {handler}"):
            answer = waited.result()
            tail = log_tail(answer)
            if answer.get("FunctionError"):
                facts = json.loads(answer["Payload"])
                log = log_text.written(tail.splitlines())
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
