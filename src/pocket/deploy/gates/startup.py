"""Gate `startup`: a start of the new version inside Lambda keeps to the project's budget, where it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket.deploy.gates.gate import STARTUP, Candidate, refusal
from pocket.deploy.operate import doctor
from pocket.diagnosis.report import exceeds
from pocket.errors import PocketError

if TYPE_CHECKING:
    from pocket.deploy.target import Target


def check(candidate: Candidate, target: Target) -> None:
    """Examines a start. Raises GateRefused where it takes longer than `[awscontainer.startup] budget_ms`."""
    stage, version = candidate.stage, candidate.management_version
    container = stage.awscontainer
    if version is None or container is None or container.startup.budget_ms is None:
        return
    with candidate.reporter.step(f"Gate {STARTUP}: a start, inside Lambda"):
        try:
            report = doctor.examine_remotely(stage, target, path=container.gate.path, qualifier=version)
        except PocketError as error:
            raise refusal(stage, candidate.live, STARTUP, [error.message], error.hint) from error
        if excess := exceeds(container.startup.budget_ms, report):
            raise refusal(stage, candidate.live, STARTUP, [excess])
    candidate.reporter.note(f"A start takes {report.total_ms:.0f} ms of {container.startup.budget_ms}.")
