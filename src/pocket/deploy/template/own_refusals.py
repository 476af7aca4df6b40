"""What is wrong with the user's own resources, and with permissions in the stack that they are for, by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.config import build_manifest
from pocket.deploy.build import own_resources
from pocket.deploy.template.document import render
from pocket.deploy.template.domains import before_look
from pocket.deploy.template.inputs import Code, Inputs
from pocket.deploy.template.linting import examined
from pocket.deploy.template.policy_sizes import size_refusals
from pocket.deploy.template.reference_refusals import reference_refusals
from pocket.errors import ConfigError, ConfigErrors, PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pocket.config import Project, StageConfig

UNBUILT = Code("code-bucket", "artifacts/0.zip")
"""Stands for an artifact that is not built yet."""


def own_refusals(project: Project, stage: StageConfig) -> Iterator[ConfigError]:
    """The errors in `resources`, `resource_envs`, and the references and sizes of `permissions`, each with its line."""
    path = own_resources.path_of(stage)
    try:
        sections = own_resources.read(stage)
        zones, arns = before_look(stage)
        manifest = build_manifest(project).stages[stage.name]
        inputs = Inputs(stage, manifest, UNBUILT, zones=zones, certificates=arns, own=sections)
        body = render(inputs).body
    except ConfigErrors as errors:
        yield from errors.errors
        return
    except PlanRefused as refused:
        yield project.error(stage.name, ("awscontainer", "resources"), refused.message, refused.hint)
        return
    resources = body["Resources"]
    wrong = [*reference_refusals(project, inputs, resources), *size_refusals(project, inputs, resources)]
    yield from wrong
    if path is not None and not wrong:
        yield from _findings(path, sections, body, stage.region)


def _findings(
    path: Path, sections: Mapping[str, Mapping[str, Any]], body: dict[str, Any], region: str
) -> Iterator[ConfigError]:
    """What cfn-lint calls an error in the whole template; a match in the user's part has the line in their file."""
    for match in examined(body, region):
        if match.rule.severity != "error":
            continue
        place = [str(part) for part in match.path or ()]
        theirs = len(place) > 1 and place[1] in sections.get(place[0], {})
        yield ConfigError(
            f"{match.message} ({match.rule.id})",
            "" if theirs else "It is found in the whole template, with the resources of this file in it.",
            file=path,
            line=match.linenumber if theirs else None,
            key=".".join(place),
        )
