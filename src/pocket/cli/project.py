"""The project in the working directory, and the targets of its stages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.config import find_file, load

if TYPE_CHECKING:
    from pocket.config import Project, StageConfig
    from pocket.deploy.target import Target
    from pocket.local import LocalAWS


@dataclass(frozen=True)
class Destination:
    """A stage and its target."""

    project: Project
    stage: StageConfig
    target: Target


def current_project() -> Project:
    """The project of the nearest `pocket.toml`, in the working directory or above, validated for every stage.

    Raises ConfigError or ConfigErrors.
    """
    return load(find_file(Path.cwd()))


def destination(stage: str, *, local: bool) -> Destination:
    """The stage named `stage`, which may be a preview, on AWS or, if `local`, on the running local AWS.

    Raises ConfigError, and LocalAWSError if the local AWS is not running.
    """
    project = current_project().with_stage(stage)
    config = project.stage(stage)
    if not local:
        return Destination(project, config, aws_target(config))
    from pocket.local import attach

    return Destination(project, config, local_target(config, attach(project.directory)))


def aws_target(stage: StageConfig) -> Target:
    """AWS with the default credentials, in the stage's region."""
    from pocket.deploy.target import Target

    return Target(region=stage.region, account=stage.general.account)


def local_target(stage: StageConfig, aws: LocalAWS) -> Target:
    """The local AWS, with the database that it was started with or the stage's own.

    Raises LocalAWSError if the shell's POCKET_LOCAL_DATABASE_URL differs from that of the start.
    """
    from pocket.cli import rehearsal_database
    from pocket.deploy.target import Credentials, Target

    return Target(
        region=stage.region,
        endpoint_url=aws.endpoint_url,
        credentials=Credentials(aws.access_key_id, aws.secret_access_key),
        addresses=aws.addresses,
        environment=rehearsal_database.variables(stage, aws),
        platform="host",
        own_database=rehearsal_database.own(stage, aws),
        delegated=False,
        has_networks=False,
        keeps_mail=True,
        counts_live=False,
    )
