"""Copies of a stage's database where its engine can: of now or of an earlier time; and a new password."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import stage_secrets
from pocket.deploy.stacks import aurora, neon
from pocket.deploy.stacks.secret_stores import place_of, store_at
from pocket.deploy.stacks.stack import state
from pocket.errors import DeployError

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.neon import Branch
    from pocket.deploy.stacks.neon_api import Neon
    from pocket.deploy.target import Target

_LONGEST_CLUSTER = 63


def copy(stage: StageConfig, target: Target, name: str, reporter: Reporter) -> str:
    """The name of a copy with the present data. Raises DeployError if the name is taken, or there is nothing to copy.

    A cluster's name begins with that of the stage's, which a deployer's permissions are for.
    """
    if stage.cluster_name is not None:
        name = f"{stage.cluster_name}-{name}"
    return _made(stage, target, name, reporter, at=None)


def restore(stage: StageConfig, target: Target, at: datetime | None, reporter: Reporter) -> str:
    """The name of a copy with the data of that time, or of now. Raises DeployError, also for a time too early."""
    time = f"-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    own = stage.branch_name or (stage.cluster_name or "")[: _LONGEST_CLUSTER - len(time)]
    return _made(stage, target, own + time, reporter, at=at)


def _made(stage: StageConfig, target: Target, name: str, reporter: Reporter, *, at: datetime | None) -> str:
    if stage.cluster_name is not None:
        return aurora.copy(Clients(target), stage, name, reporter, at=at).name
    there, own = _own(stage, target)
    if neon.named(there, name)[0] is not None:
        hint = f"Choose another name, or remove that one: pocket db remove --stage {stage.name} {name}"
        raise DeployError(f"The Neon project {there.project} has a branch {name} already.", hint)
    time = "" if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return neon.create(there, stage, name, parent=own, at=time).name


def remove(stage: StageConfig, target: Target, name: str, reporter: Reporter) -> str:
    """Deletes a copy; returns in words what was removed.

    Raises DeployError for the database that the file names, and for the one that the live release uses.
    """
    if name in {stage.cluster_name, stage.branch_name}:
        raise DeployError(
            f"{name} is the database of stage {stage.name!r}; nothing was removed.",
            f"To remove it with the stage: pocket destroy --stage {stage.name} --with-database {name}",
        )
    clients = Clients(target)
    with stage_secrets.locked(stage, target, reporter):
        deployed = state(clients, stage.stack_name).body
        if stage.cluster_name is not None:
            cluster = aurora.find(clients, stage, name)
            if cluster is not None:
                _refuse_live(name, cluster.resource_id in json.dumps(dict(deployed)))
                return aurora.remove(clients, stage, cluster)
        else:
            there = neon.connect(clients, stage)
            branch = neon.find(there, stage, name)
            if branch is not None:
                if deployed:
                    variable = stage_secrets.variable(stage, stage.database_variable or "")
                    url = stage_secrets.value(stage, target, variable)
                    _refuse_live(name, url is not None and neon.is_at(there, branch, url))
                return neon.remove(there, stage, name)
    raise DeployError(f"There is no copy {name}; nothing was removed.", "Compare the name with what made it.")


def _refuse_live(name: str, is_live: bool) -> None:
    if is_live:
        raise DeployError(
            f"{name} is the database of the live release; nothing was removed.",
            "Deploy first, so that the functions use the one that pocket.toml names.",
        )


def rotate(stage: StageConfig, target: Target, reporter: Reporter) -> None:
    """Gives the functions' role on Neon another password, and puts the URL into the stage's secret."""
    there, own = _own(stage, target)
    table, variable = stage.database, stage.database_variable
    if table is not None and variable is not None:
        with stage_secrets.locked(stage, target, reporter):
            store = store_at(Clients(target), stage, place_of(stage))
            neon.rotated(there, table, own, lambda url: store.put({variable: url}, reporter))


def _own(stage: StageConfig, target: Target) -> tuple[Neon, Branch]:
    there = neon.connect(Clients(target), stage)
    found = neon.find(there, stage, stage.branch_name or "")
    if found is None:
        raise DeployError(f"The branch {stage.branch_name} does not exist.", f"pocket deploy --stage {stage.name}")
    return there, found
