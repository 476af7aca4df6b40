"""Gate `startup`: measures a start of the new version inside Lambda, if the project has a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.aws import invoke
from pocket.deploy.gates.gate import STARTUP, Candidate, refusal
from pocket.doctor.report.model import Report, exceeds
from pocket.errors import PocketError

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.target import Target

COMMAND = "pocket_startup"


def check(candidate: Candidate, target: Target) -> None:
    """Measures a start. Raises GateRefused if it takes longer than `[awscontainer.startup] budget_ms`."""
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
