"""The project's system checks: with a stage's settings in a process of their own, or inside Lambda.

On this machine they run on a copy with the artifact's files: without the laptop's `.env`, whose values are not the
stage's. Secrets, addresses and queues are placeholders.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pocket.check_issues import ERROR, Issue
from pocket.deploy.aws import invoke
from pocket.deploy.build import copies, static
from pocket.deploy.gates import start_failure
from pocket.deploy.reporting import last_lines
from pocket.errors import BuildFailed, DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pocket.config import Project, StageConfig
    from pocket.deploy.aws.invoke import Outcome
    from pocket.deploy.target import Target

DOES_NOT_START = "pocket.E007"
COMMAND = "pocket_check"


@dataclass(frozen=True)
class Selection:
    """Which checks run; the options of Django's `check`."""

    deploy: bool = False
    tags: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """The options as command-line arguments."""
        pairs = [("--tag", tag) for tag in self.tags] + [("--database", alias) for alias in self.databases]
        return [*(["--deploy"] if self.deploy else []), *(word for pair in pairs for word in pair)]


def run(
    project: Project,
    stage: StageConfig,
    target: Target,
    selection: Selection,
    files: Mapping[str, Path] | None = None,
) -> list[Issue]:
    """The issues with the stage's settings; a project that does not start is one issue.

    `files` are those of the artifact, where they are known already. Raises BuildFailed if the project's Python is not
    found or lacks Pocket, DeployError for an unknown tag.
    """
    python, _ = static.find_python(project.directory, "The project's checks are run")
    if stage.settings_module is None and "DJANGO_SETTINGS_MODULE" not in os.environ:
        hint = "Put manage.py beside pocket.toml, or set DJANGO_SETTINGS_MODULE in [awscontainer.envs]."
        return [Issue(DOES_NOT_START, ERROR, "The project's settings module is not known.", hint)]
    with copies.isolated(project, stage, files) as folder:
        arguments = ["-m", "pocket.django.checks.report", *selection.arguments]
        done = copies.run(python, arguments, folder, project=project, stage=stage, target=target)
        stderr = done.stderr.strip()
        if done.returncode == 0:
            return _issues(done.stdout)
        if done.returncode == 2:
            raise DeployError(last_lines(stderr))
        if re.search(r"No module named '?pocket", stderr):
            raise BuildFailed(
                f"{python} has Django, but no django-pocket with the system checks.",
                "Install the project's dependencies there, with the same django-pocket as this command: uv sync.",
            )
        issue = _does_not_start(stderr, folder, stage)
        if name := copies.left_out(project, folder, stderr):
            hint = f'Pocket leaves {name} out of the artifact. To include it: exclude = ["!{name}"] in [awscontainer].'
            issue = replace(issue, hint=hint)
        return [issue]


def run_remotely(stage: StageConfig, target: Target, selection: Selection) -> list[Issue]:
    """The issues of the deployed release, checked inside Lambda with its own settings, role and database.

    Raises as `invoke.manage`, and CommandFailed if the checks cannot run there.
    """
    return reported(stage, invoke.manage(stage, target, COMMAND, selection.arguments))


def reported(stage: StageConfig, outcome: Outcome) -> list[Issue]:
    """The issues in the outcome of COMMAND. Raises CommandFailed if it has none."""
    if outcome.exit_status == 0:
        try:
            return _issues(outcome.stdout.strip().rpartition("\n")[2])
        except ValueError:
            pass
    raise invoke.own_command_failed(
        stage, COMMAND, outcome, f"The release of stage {stage.name!r} could not be checked"
    )


def _issues(text: str) -> list[Issue]:
    data: list[dict[str, Any]] = json.loads(text)
    return [Issue(**item) for item in data]


def _does_not_start(stderr: str, folder: Path, stage: StageConfig) -> Issue:
    failure = start_failure.explain(stderr, folder, stage)
    text = f"The project does not start with the stage's settings: {failure.reason}"
    return Issue(DOES_NOT_START, ERROR, text, failure.hint, file=failure.file, line=failure.line)
