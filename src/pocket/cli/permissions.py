"""`pocket permissions`: the IAM policies for deploying a stage, as JSON."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pocket.cli.options import Stage


def permissions(
    stage: Stage,
    boundary: Annotated[
        bool, typer.Option("--boundary", help="Print the permissions boundary of the stage's roles instead.")
    ] = False,
    part: Annotated[
        int, typer.Option("--part", min=1, help="Which policy to print, if IAM's limit requires several.")
    ] = 1,
) -> None:
    """Print the IAM policy that is needed to deploy the stage."""
    from pocket.cli.project import current_project
    from pocket.deploy.template.boundary import boundary_policy
    from pocket.deploy.template.deployer import LIMIT, deployer_policy, parts, size

    project = current_project().with_stage(stage)
    config = project.stage(stage)
    # A role has one boundary, so that is never split.
    policies = [boundary_policy(project, config)] if boundary else parts(deployer_policy(config))
    if part > len(policies):
        raise typer.BadParameter(f"There is no part {part} of {len(policies)}.", param_hint="--part")
    policy = policies[part - 1]
    typer.echo(json.dumps(policy, indent=2))
    if len(policies) > 1:
        others = ", ".join(f"--part {number}" for number in range(1, len(policies) + 1) if number != part)
        typer.echo(f"Part {part} of {len(policies)}: the deployer needs all of them; see {others}.", err=True)
    if size(policy) > LIMIT:
        typer.echo(f"The policy has {size(policy):,} characters; IAM allows {LIMIT:,} in a managed policy.", err=True)
