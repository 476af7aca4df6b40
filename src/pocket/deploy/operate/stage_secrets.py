"""The secrets that a stage's file declares: listed, set, removed and rotated.

A secret that Pocket creates here has the stage's tags; only such a secret is deleted. Values pass through and are never
printed, logged or put into an error, except that `values` returns them for a user who asks.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocket.deploy.aws.account import account_id
from pocket.deploy.aws.session import Clients
from pocket.deploy.stacks import bucket, secret_holders, secrets
from pocket.deploy.stacks.lock import Lock
from pocket.deploy.stacks.secret_holders import holder, object_in, place, value_in
from pocket.deploy.stacks.secret_stores import place_of, store_at
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.config import StageConfig
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.secret_holders import Holder
    from pocket.deploy.target import Target
    from pocket.manifest import SecretVariable


@dataclass(frozen=True)
class Entry:
    """One variable. `place` names the secret or parameter, with `#key` for one key of a JSON secret."""

    variable: str
    generated: bool
    place: str


def entries(stage: StageConfig) -> list[Entry]:
    """The stage's variables in the file's order."""
    generated = {item.name for item in stage.generated_variables}
    return [Entry(item.name, item.name in generated, place(item)) for item in stage.secret_variables]


def values(stage: StageConfig, target: Target) -> dict[str, str]:
    """The values of those variables that exist. Raises DeployError for a key of a secret that is not a JSON object."""
    clients = Clients(target)
    texts: dict[tuple[str, str], str | None] = {}
    found = {}
    for item in stage.secret_variables:
        where = (item.service, item.secret_id)
        if where not in texts:
            texts[where] = holder(clients, stage, item).read()
        value = value_in(item, texts[where])
        if value is not None:
            found[item.name] = value
    return found


def value(stage: StageConfig, target: Target, item: SecretVariable) -> str | None:
    """The value of one variable; None if it does not exist. Raises as `values` does."""
    return secret_holders.read(Clients(target), stage, item)


def variable(stage: StageConfig, name: str) -> SecretVariable:
    """The variable `name`. Raises DeployError, which lists the declared ones, if the stage does not declare it."""
    for item in stage.secret_variables:
        if item.name == name:
            return item
    declared = ", ".join(item.name for item in stage.secret_variables) or "none"
    raise DeployError(
        f"{name} is not a secret of stage {stage.name}. Declared: {declared}.",
        f'Add it to pocket.toml: [awscontainer.secretsmanager.secrets] {name} = "{stage.project_name}/{stage.name}/'
        f'{name.lower().replace("_", "-")}"',
    )


def put(stage: StageConfig, target: Target, given: Mapping[str, str], reporter: Reporter) -> None:
    """Sets values by variable, and creates a secret or parameter with the stage's tags where there is none.

    Generated variables are recorded as Pocket's. Other keys of a JSON secret stay. Raises DeployError for a key of a
    secret that is not a JSON object, and if another command holds the stage's lock, which this takes where it writes
    back what it has read.
    """
    items = [variable(stage, name) for name in given]
    generated = {item.name for item in stage.generated_variables} & given.keys()
    keyed: dict[tuple[str, str], list[SecretVariable]] = {}
    for item in items:
        if item.key is not None and item.name not in generated:
            keyed.setdefault((item.service, item.secret_id), []).append(item)
    clients = Clients(target)
    if generated or keyed:
        with locked(stage, target, reporter):
            if generated:
                own = {name: given[name] for name in given if name in generated}
                store_at(Clients(target), stage, place_of(stage)).put(own, reporter)
            for parts in keyed.values():
                _put_keys(holder(clients, stage, parts[0]), {item: given[item.name] for item in parts}, reporter)
    for item in items:
        if item.key is None and item.name not in generated:
            holder(clients, stage, item).write(given[item.name])
            reporter.note(f"Put {item.name} into {place(item)}.")


def _put_keys(there: Holder, given: Mapping[SecretVariable, str], reporter: Reporter) -> None:
    """Sets keys of one JSON secret, in one write."""
    text = there.read()
    found = {} if text is None else object_in(next(iter(given)), text)
    there.write(json.dumps({**found, **{str(item.key): value for item, value in given.items()}}))
    for item in given:
        reporter.note(f"Put {item.name} into {place(item)}.")


@contextmanager
def locked(stage: StageConfig, target: Target, reporter: Reporter) -> Iterator[None]:
    """Holds the stage's lock; a stage that was never deployed has none."""
    clients = Clients(target)
    with Lock(clients, stage.name, "secrets", reporter) as lock:
        name = artifact_bucket_name(stage, account_id(clients))
        if bucket.exists(clients, name):
            lock.take(name)
        yield


def remove(stage: StageConfig, target: Target, item: SecretVariable) -> str:
    """Deletes a secret or parameter that `put` created; returns in words what was deleted.

    Raises DeployError for a generated variable, for one that does not exist and for one that Pocket did not create.
    """
    if item.name in {generated.name for generated in stage.generated_variables}:
        raise DeployError(
            f"{item.name} is generated, and the next deploy would generate it again.",
            f"For another value: pocket secrets rotate {item.name} --stage {stage.name}. To have none, remove it from"
            " pocket.toml.",
        )
    found = holder(Clients(target), stage, item)
    if found.read() is None:
        raise DeployError(f"There is no {place(item)}.")
    if item.key is not None or not found.is_ours():
        raise DeployError(
            f"Pocket did not create {place(item)} for stage {stage.name} alone, so it does not delete it.",
            "Delete it with the AWS CLI, or remove the variable from pocket.toml.",
        )
    return found.delete()


def rotate(stage: StageConfig, target: Target, item: SecretVariable, reporter: Reporter) -> tuple[str, ...]:
    """Generates another value for a generated variable, of a key pair for both; returns the variables.

    Raises DeployError for a variable that is not generated.
    """
    for name, secret in stage.secretsmanager.generated.items():
        if item.name in secret.variables(name):
            fresh = secrets.missing(name, secret, {})
            put(stage, target, fresh, reporter)
            return tuple(fresh)
    if item.name == stage.database_variable and stage.branch_name is not None:
        raise DeployError(
            f"{item.name} is the URL of the stage's branch on Neon.",
            f"For another password: pocket db rotate --stage {stage.name}",
        )
    raise DeployError(
        f"{item.name} is not generated by Pocket, so Pocket cannot rotate it.",
        f"Set its new value: pocket secrets set {item.name} --stage {stage.name}",
    )
