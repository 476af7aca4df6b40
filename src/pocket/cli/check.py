"""`pocket check`: the file, the project and its API with each stage's settings, and optionally the deployed release."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import AnyStage, Local

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pocket.check_issues import Issue
    from pocket.config import Project, StageConfig
    from pocket.deploy.gates.system_checks import Selection
    from pocket.deploy.target import Target
    from pocket.errors import PocketError

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}

Deploy = Annotated[
    bool,
    typer.Option(
        "--deploy",
        help="Include Django's checks for deployment, cfn-lint on every template and the collection of static files.",
    ),
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="Run only checks with this tag; may be repeated.")
]
Databases = Annotated[
    list[str] | None,
    typer.Option("--database", metavar="ALIAS", help="Include checks that use this database; may be repeated."),
]
FailLevel = Annotated[
    str, typer.Option("--fail-level", metavar="LEVEL", help=f"Lowest level that fails: {', '.join(LEVELS)}.")
]
Format = Annotated[str, typer.Option("--format", metavar="text|json|github", help="Output format.")]
Remote = Annotated[
    bool, typer.Option("--remote", help="Also check the network, and the deployed release inside Lambda.")
]


def check(
    stage: AnyStage = None,
    deploy: Deploy = False,
    tag: Tags = None,
    database: Databases = None,
    fail_level: FailLevel = "ERROR",
    format: Format = "text",  # noqa: A002  (the option's name)
    remote: Remote = False,
    local: Local = False,
) -> None:
    """Check pocket.toml and what a deploy would refuse, then the project with each stage's settings.

    With --deploy it finds all that a deploy refuses because of the files.
    """
    from pocket.cli.check_output import WRITERS, merged, of_file
    from pocket.cli.failure import place_of
    from pocket.deploy.gates.system_checks import Selection
    from pocket.errors import ConfigError

    if fail_level.upper() not in LEVELS:
        raise typer.BadParameter(f"{fail_level!r} is not one of {', '.join(LEVELS)}.", param_hint="--fail-level")
    if format not in WRITERS:
        raise typer.BadParameter(f"{format!r} is not one of {', '.join(WRITERS)}.", param_hint="--format")
    if stage is None and (remote or local):
        raise typer.BadParameter("--remote and --local need --stage.", param_hint="--stage")
    names: Sequence[str] = [stage] if stage else ()
    unreached: list[PocketError] = []
    try:
        project, stages = _stages(stage)
    except ConfigError as error:
        found = of_file(error)
    else:
        names = [item.name for item in stages]
        selection = Selection(deploy, tuple(tag or ()), tuple(database or ()))
        targets = {item.name: _target(item, local=local) for item in stages}
        layers = [*_refusals(project, stages, lint=deploy)] if not tag or "pocket" in tag else []
        of_project = [*_project(project, stages, targets, selection, known={issue for _, _, issue in layers})]
        if deploy and not tag:
            layers += _static_files(project, _starting(stages, of_project), targets)
        layers += of_project
        if remote:
            layers += _deployed(project, stages[0], targets[stages[0].name], selection, unreached)
        found = merged(layers, len(stages))
        of_pocket_toml = any(issue.file == place_of(project.path) and not issue.silenced for _, _, issue in found)
        if format == "text" and not of_pocket_toml:
            sys.stderr.write(f"{project.path.name}: no issues in {', '.join(names)}.\n")
    WRITERS[format](found, names)
    for cause in unreached:
        raise cause
    if any(entry.issue.level >= LEVELS[fail_level.upper()] and not entry.issue.silenced for entry in found):
        raise typer.Exit(1)


def _stages(name: str | None) -> tuple[Project, list[StageConfig]]:
    from pocket.cli.project import current_project

    project = current_project()
    if not name:
        return project, list(project.stages.values())
    project = project.with_stage(name)
    return project, [project.stage(name)]


def _refusals(project: Project, stages: Sequence[StageConfig], *, lint: bool) -> Iterator[tuple[str, str, Issue]]:
    """What a deploy of each stage would refuse, as far as it is known here."""
    from pocket.check_issues import NOTHING_TO_DEPLOY, Issue
    from pocket.cli.check_output import of_refusal
    from pocket.cli.failure import place_of
    from pocket.deploy.releases.refusals import Refusals

    refusals = Refusals(project, lint)
    for stage in stages:
        if _has_handlers(stage):
            yield from (("deploy", stage.name, of_refusal(error, project.path)) for error in refusals.of(stage))
        else:
            message = f"Stage {stage.name!r} has no handler, so it cannot be deployed."
            hint = "To deploy it, declare at least one [awscontainer.handlers.NAME]."
            place = place_of(project.path)
            yield "deploy", stage.name, Issue(NOTHING_TO_DEPLOY, LEVELS["WARNING"], message, hint, file=place)


def _static_files(
    project: Project, stages: Sequence[StageConfig], targets: Mapping[str, Target]
) -> Iterator[tuple[str, str, Issue]]:
    """Why static files cannot be collected; the stages are those that start."""
    from pocket.cli.check_output import of_refusal
    from pocket.deploy.releases.refusals import of_static_files

    for stage in stages:
        for error in of_static_files(project, stage, targets[stage.name]):
            yield "deploy", stage.name, of_refusal(error, project.path)


def _starting(stages: Sequence[StageConfig], found: Sequence[tuple[str, str, Issue]]) -> list[StageConfig]:
    """The stages to deploy whose settings load."""
    from pocket.deploy.gates.system_checks import DOES_NOT_START

    failed = {name for _, name, issue in found if issue.id == DOES_NOT_START}
    return [stage for stage in stages if _has_handlers(stage) and stage.name not in failed]


def _has_handlers(stage: StageConfig) -> bool:
    return stage.awscontainer is not None and bool(stage.awscontainer.handlers)


def _project(
    project: Project,
    stages: Sequence[StageConfig],
    targets: Mapping[str, Target],
    selection: Selection,
    *,
    known: Collection[Issue],
) -> Iterator[tuple[str, str, Issue]]:
    """The issues that each layer finds here in each stage, in the order of the layers.

    A stage whose files cannot be copied is left out if that is `known`.
    """
    from pocket.cli.check_output import layer_of, located, of_refusal
    from pocket.deploy.gates import system_checks
    from pocket.errors import BuildFailed

    found: list[tuple[str, str, Issue]] = []
    for stage in stages:
        try:
            issues = system_checks.run(project, stage, targets[stage.name], selection)
        except BuildFailed as error:
            if of_refusal(error, project.path) not in known:
                raise
        else:
            found += [(layer_of(issue), stage.name, located(issue, project.path)) for issue in issues]
    for layer in ("project", "fastapi"):
        yield from (item for item in found if item[0] == layer)


def _deployed(
    project: Project, stage: StageConfig, target: Target, selection: Selection, unreached: list[PocketError]
) -> Iterator[tuple[str, str, Issue]]:
    """The issues in the network and in the release. An error is added to `unreached`, and the rest is still shown."""
    from pocket.cli.check_output import located, of_refusal
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.gates import network, system_checks
    from pocket.errors import PlanRefused, PocketError

    try:
        network.examine(project, stage, Clients(target))
    except PlanRefused as error:
        yield "deploy", stage.name, of_refusal(error, project.path)
    except PocketError as error:
        unreached.append(error)
    try:
        for issue in system_checks.run_remotely(stage, target, selection):
            yield "remote", stage.name, located(issue, project.path)
    except PocketError as error:
        unreached.append(error)


def _target(stage: StageConfig, *, local: bool) -> Target:
    from pocket.cli.project import aws_target, destination

    return destination(stage.name, local=True).target if local else aws_target(stage)
