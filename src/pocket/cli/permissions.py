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
) -> None:
    """Print the IAM policy that is needed to deploy the stage."""
    from pocket.cli.project import current_project
    from pocket.deploy.template.boundary import boundary_policy
    from pocket.deploy.template.deployer import LIMIT, deployer_policy

    project = current_project()
    config = project.stage(stage)
    policy = boundary_policy(project, config) if boundary else deployer_policy(config)
    typer.echo(json.dumps(policy, indent=2))
    size = len(json.dumps(policy, separators=(",", ":")))
    if size > LIMIT:
        typer.echo(f"The policy has {size:,} characters; IAM allows {LIMIT:,} in a managed policy.", err=True)
