"""What is refused before anything is changed: templates that break AWS's rules, and keys that have no effect yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket.deploy.template.iam_actions import unknown_actions
from pocket.deploy.template.linting import lint
from pocket.deploy.template.own_refusals import own_refusals
from pocket.errors import ConfigErrors, PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.config import Project, StageConfig
    from pocket.errors import ConfigError


def refuse_unsupported(project: Project, stage: StageConfig) -> None:
    """Raises PlanRefused for a stage without functions, and ConfigError, with the line, for a key that this version
    would ignore."""
    container = stage.awscontainer
    if container is None or not container.handlers:
        raise PlanRefused(
            f"Stage {stage.name!r} has no handler, so there is nothing to deploy.",
            "Declare at least one [awscontainer.handlers.NAME] in pocket.toml.",
        )
    found = refusals(project, stage)
    if found:
        raise found[0] if len(found) == 1 else ConfigErrors(found)


def refusals(project: Project, stage: StageConfig) -> list[ConfigError]:
    """Every key of the stage that a deploy refuses and that needs more than the file to be judged.

    Raises PlanRefused where cfn-lint is needed and not installed.
    """
    unsupported = (
        project.error(
            stage.name,
            path,
            f"This version of Pocket validates {path[-1]}, but does not deploy {what} yet.",
            f"Remove {path[-1]} from stage {stage.name!r}.",
        )
        for path, what in _unsupported(stage)
    )
    unknown = (project.error(stage.name, path, message, hint) for path, message, hint in unknown_actions(stage))
    return [*unsupported, *unknown, *own_refusals(project, stage)]


def _unsupported(stage: StageConfig) -> Iterator[tuple[tuple[str, ...], str]]:
    container = stage.awscontainer
    if container is None:
        return
    if container.dockerfile_path is not None:
        yield ("awscontainer", "dockerfile_path"), "images"


def check(templates: Mapping[str, str], region: str) -> None:
    """Raises PlanRefused with every error in `templates`, which maps a stack's name to its template as JSON."""
    found = [f"{name}: {error}" for name, body in templates.items() for error in lint(body, region)]
    if found:
        raise PlanRefused(
            "AWS would refuse the planned templates:\n" + "\n".join(found),
            "Change the value in pocket.toml that the error names. If it names none, report a bug in Pocket.",
        )
