"""Gates `project` and `checks`: Django's system checks, on this machine beside the build, then inside Lambda."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING

from pocket import naming
from pocket.check_issues import ERROR
from pocket.deploy.aws import invoke, log_text
from pocket.deploy.build import stage_environment
from pocket.deploy.gates import system_checks
from pocket.deploy.gates.gate import CHECKS, PROJECT, Candidate, refusal
from pocket.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pocket.check_issues import Issue
    from pocket.config import Project, StageConfig
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target

FINE_IN_A_REHEARSAL = frozenset({"mail.E001"})
"""Errors that a rehearsal shows as warnings: printed mail, the default of `startproject`, is fine on a laptop."""

_ONLY_HERE = "\n  It stops a deploy to AWS."


def proof(stage: StageConfig, target: Target) -> str:
    """What a release records if the gate `project` passed: a digest of all that it judges beside the artifact.

    That is the environment that Pocket gives to the settings, and Pocket's version, whose checks run. What the shell
    and the packages on this machine add is not of the release.
    """
    judged = [version("django-pocket"), sorted(stage_environment.own(stage, target).items())]
    return hashlib.sha256(json.dumps(judged).encode()).hexdigest()[:32]


def check_project(
    project: Project,
    stage: StageConfig,
    target: Target,
    reporter: Reporter,
    live: int | None,
    *,
    files: Mapping[str, Path] | None = None,
) -> frozenset[str]:
    """Runs the project's checks on this machine; returns the warnings shown. Raises GateRefused for an error.

    `files` are as in `system_checks.run`.
    """
    with reporter.step(f"Gate {PROJECT}: run the project's checks on this machine"):
        found = system_checks.run(project, stage, target, system_checks.Selection(deploy=True), files)
        if errors := _errors(found, target):
            raise refusal(stage, live, PROJECT, errors)
    return _note(found, target, reporter, set())


def check_inside(candidate: Candidate, target: Target, shown: Iterable[str] = ()) -> None:
    """Runs the checks inside Lambda, with those of the database; warnings already `shown` are not shown again.

    Raises GateRefused for an error, and if the release does not start or has no checks.
    """
    stage, version = candidate.stage, candidate.management_version
    if version is None or stage.command_handler is None:
        return
    selection = system_checks.Selection(deploy=True, databases=("default",))
    with candidate.reporter.step(f"Gate {CHECKS}: run the project's checks inside Lambda"):
        try:
            outcome = invoke.manage(stage, target, system_checks.COMMAND, selection.arguments, qualifier=version)
            found = system_checks.reported(stage, outcome)
        except CommandFailed as error:
            message = "\n".join(text for text in (error.message, error.output) if text)
            raise refusal(stage, candidate.live, CHECKS, [message], error.hint) from error
        if errors := _errors(found, target):
            raise refusal(stage, candidate.live, CHECKS, errors)
    note_init(candidate.reporter, stage.command_handler, outcome.log_tail)
    _note(found, target, candidate.reporter, set(shown))


def note_init(reporter: Reporter, handler: str, log_tail: str) -> None:
    """Notes how long the handler's INIT took, if this invocation began with one, and if it waited for its database."""
    if (taken := log_text.init_ms(log_tail)) is not None:
        reporter.note(f"INIT of {handler}: {taken:.0f} ms")
    if naming.DATABASE_SLEEPS in log_tail:
        reporter.note(f"The database was asleep: the first connection of {handler} waited until it answered.")


def _refuses(issue: Issue, target: Target) -> bool:
    rehearsed = target.endpoint_url is not None and issue.id in FINE_IN_A_REHEARSAL
    return issue.level >= ERROR and not issue.silenced and not rehearsed


def _errors(found: Sequence[Issue], target: Target) -> list[str]:
    return [_text(issue) for issue in found if _refuses(issue, target)]


def _note(found: Sequence[Issue], target: Target, reporter: Reporter, shown: set[str]) -> frozenset[str]:
    texts = [
        _text(issue) + (_ONLY_HERE if issue.level >= ERROR else "")
        for issue in found
        if not issue.silenced and not _refuses(issue, target)
    ]
    for text in texts:
        if text not in shown:
            reporter.note(f"Warning: {text}")
    return frozenset({*texts, *shown})


def _text(issue: Issue) -> str:
    place = f"{issue.file}:{issue.line}: " if issue.file else f"{issue.object}: " if issue.object else ""
    known = f"({issue.id}) " if issue.id else ""
    hint = f"\n  {issue.hint}" if issue.hint else ""
    return f"{place}{known}{issue.message}{hint}"
