"""What an operator does with the branches of a stage on Neon: a copy, an earlier time, a new password."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import stage_secrets
from pocket.deploy.stacks import neon
from pocket.errors import DeployError

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.stacks.neon import Branch
    from pocket.deploy.stacks.neon_api import Neon
    from pocket.deploy.target import Target


def copy(stage: StageConfig, target: Target, name: str) -> None:
    """Makes a branch of the stage's branch. Raises DeployError if there is one of that name."""
    there, own = _own(stage, target)
    if neon.named(there, name)[0] is not None:
        raise DeployError(f"The Neon project {there.project} has a branch {name} already.", "Choose another name.")
    neon.create(there, stage, name, parent=own)


def restore(stage: StageConfig, target: Target, at: datetime | None) -> str:
    """The name of a new branch with the data of that time, or of now. Raises DeployError, also for a time too early."""
    there, own = _own(stage, target)
    name = f"{own.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    time = "" if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    neon.create(there, stage, name, parent=own, at=time)
    return name


def rotate(stage: StageConfig, target: Target) -> None:
    """Gives the functions' role another password, and puts the URL into the stage's secret."""
    there, own = _own(stage, target)
    table, variable = stage.database, stage.database_variable
    if table is not None and variable is not None:
        item = stage_secrets.variable(stage, variable)
        stage_secrets.put(stage, target, item, neon.rotated(there, table, own))


def _own(stage: StageConfig, target: Target) -> tuple[Neon, Branch]:
    there = neon.connect(Clients(target), stage)
    found = neon.find(there, stage, stage.branch_name or "")
    if found is None:
        raise DeployError(f"The branch {stage.branch_name} does not exist.", f"pocket deploy --stage {stage.name}")
    return there, found
