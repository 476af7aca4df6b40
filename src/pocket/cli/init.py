"""`pocket init`."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import Yes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pocket.scaffold.changes import Change

DEFAULT_STAGE = "dev"
DEFAULT_REGION = "us-east-1"


def init(
    stage: Annotated[str, typer.Option("--stage", "-s", metavar="STAGE", help="Name of the stage on AWS.")] = (
        DEFAULT_STAGE
    ),
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="REGION", help="AWS region. Defaults to the region of the AWS CLI."),
    ] = None,
    github: Annotated[
        bool,
        typer.Option("--github", help="Write a GitHub workflow that deploys the stage, and a template of its role."),
    ] = False,
    branch: Annotated[
        str, typer.Option("--branch", metavar="BRANCH", help="Branch that the GitHub workflow deploys.")
    ] = "main",
    yes: Yes = False,
) -> None:
    """Write pocket.toml for the Django project in this folder, and add Pocket to its settings."""
    from pocket.scaffold import changes
    from pocket.scaffold.survey import survey

    if github:
        write_changes(*_github(stage, branch), yes=yes)
        return
    found = survey(Path.cwd())
    planned = changes.plan(found, region=region or _region(), stage=stage, suffix=secrets.token_hex(3))
    write_changes(planned, changes.next_steps(found, planned), yes=yes)


def _github(stage: str, branch: str) -> tuple[list[Change], list[str]]:
    from pocket.cli.project import current_project
    from pocket.deploy.build.requirements import locate
    from pocket.deploy.template.boundary import boundary_policy
    from pocket.deploy.template.deployer import deployer_policy, parts
    from pocket.scaffold import changes
    from pocket.scaffold import github as actions

    project = current_project()
    config, folder = project.stage(stage), project.directory
    role = f"infra/github-{stage}.json"
    policies = parts(deployer_policy(config)), boundary_policy(project, config)
    repository, root = actions.repository(folder)
    template = actions.role_template(config, repository, *policies)
    source = locate(folder, config.awscontainer.requirements if config.awscontainer is not None else None)
    workflow = actions.workflow(config, root, source=source, branch=branch, role=role)
    planned = [
        *changes.change(root, f".github/workflows/deploy-{stage}.yml", workflow),
        *changes.change(folder, role, template),
    ]
    return planned, actions.steps(config, role)


def write_changes(
    planned: Sequence[Change], steps: Iterable[str], *, yes: bool, remarks: Iterable[tuple[str, str]] = ()
) -> None:
    """Shows the changes, then the remarks with their labels; writes them if the user agrees, and prints the steps."""
    from pocket.cli.console import reporter
    from pocket.cli.failure import write
    from pocket.scaffold import changes

    if not planned:
        write("info", "The files are up to date; nothing was changed.")
        return
    for change in planned:
        sys.stderr.write(f"{change.diff()}\n")
    for label, remark in remarks:
        write(label, remark)
    if not reporter(assume_yes=yes).confirm("Write these changes?"):
        write("error", "Nothing was written.")
        raise typer.Exit(1)
    changes.write(planned)
    for step in steps:
        sys.stderr.write(f"{step}\n")


def _region() -> str:
    from pocket.cli.failure import write
    from pocket.deploy.aws.session import configured_region

    region = configured_region()
    if region is not None:
        return region
    write("info", f"No AWS region is configured, so pocket.toml has {DEFAULT_REGION}. Change it before a deploy.")
    return DEFAULT_REGION
