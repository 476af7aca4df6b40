"""The secrets that a stage's file declares: listed, set, removed and rotated.

A secret that Pocket creates here has the stage's tags; only such a secret is deleted. Values pass through and are never
printed, logged or put into an error, except that `values` returns them for a user who asks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from pocket.config.secret_references import Reference
from pocket.deploy.aws.session import Clients
from pocket.deploy.stacks import secrets
from pocket.deploy.stacks.secret_stores import RECOVERY_DAYS
from pocket.deploy.template.marks import marked, marks
from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.config import StageConfig
    from pocket.deploy.target import Target
    from pocket.manifest import SecretVariable

_MISSING = {"ResourceNotFoundException", "ParameterNotFound"}


@dataclass(frozen=True)
class Entry:
    """One variable. `place` names the secret or parameter, with `#key` for one key of a JSON secret."""

    variable: str
    generated: bool
    place: str


class Holder(Protocol):
    """A secret or a parameter that may not exist yet."""

    def read(self) -> str | None: ...

    def write(self, text: str) -> None: ...

    def is_ours(self) -> bool: ...

    def delete(self) -> str: ...


def entries(stage: StageConfig) -> list[Entry]:
    """The stage's variables in the file's order."""
    generated = {item.name for item in stage.generated_variables}
    return [Entry(item.name, item.name in generated, place(item)) for item in stage.secret_variables]


def values(stage: StageConfig, target: Target) -> dict[str, str]:
    """The values of those variables that exist. Raises DeployError for a key of a secret that is not a JSON object."""
    clients = _Regions(target)
    texts: dict[tuple[str, str], str | None] = {}
    found = {}
    for item in stage.secret_variables:
        place = (item.service, item.secret_id)
        if place not in texts:
            texts[place] = _holder(clients, stage, item).read()
        value = _value(item, texts[place])
        if value is not None:
            found[item.name] = value
    return found


def value(stage: StageConfig, target: Target, item: SecretVariable) -> str | None:
    """The value of one variable; None if it does not exist. Raises as `values` does."""
    return _value(item, _holder(_Regions(target), stage, item).read())


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


def put(stage: StageConfig, target: Target, item: SecretVariable, value: str) -> None:
    """Sets one value, and creates its secret or parameter with the stage's tags if there is none.

    Other keys of a JSON secret stay. Raises DeployError for a key of a secret that is not a JSON object.
    """
    holder = _holder(_Regions(target), stage, item)
    text = holder.read()
    holder.write(value if item.key is None else _with_key(item, text, value))


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
    holder = _holder(_Regions(target), stage, item)
    if holder.read() is None:
        raise DeployError(f"There is no {place(item)}.")
    if item.key is not None or not holder.is_ours():
        raise DeployError(
            f"Pocket did not create {place(item)} for stage {stage.name} alone, so it does not delete it.",
            "Delete it with the AWS CLI, or remove the variable from pocket.toml.",
        )
    return holder.delete()


def rotate(stage: StageConfig, target: Target, item: SecretVariable) -> tuple[str, ...]:
    """Generates another value for a generated variable, of a key pair for both; returns the variables.

    Raises DeployError for a variable that is not generated.
    """
    for name, secret in stage.secretsmanager.generated.items():
        if item.name in secret.variables(name):
            fresh = secrets.missing(name, secret, {})
            for fresh_name, value in fresh.items():
                put(stage, target, variable(stage, fresh_name), value)
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


def place(item: SecretVariable) -> str:
    """The secret or parameter of a variable, with `#key` for one key of a JSON secret."""
    return _whole(item) + (f"#{item.key}" if item.key is not None else "")


def _whole(item: SecretVariable) -> str:
    return f"{'parameter' if item.service == 'ssm' else 'secret'} {item.secret_id}"


def _value(item: SecretVariable, text: str | None) -> str | None:
    if text is None or item.key is None:
        return text
    value = _object(item, text).get(item.key)
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _with_key(item: SecretVariable, text: str | None, value: str) -> str:
    return json.dumps({**({} if text is None else _object(item, text)), item.key: value})


def _object(item: SecretVariable, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DeployError(
            f"The {_whole(item)} is not a JSON object, so it has no key {item.key}.",
            f"Remove #{item.key} from the reference in pocket.toml, or make the secret a JSON object.",
        )
    return found


class _Regions:
    """Clients by region: a reference may be an ARN of another region than the stage's."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._clients: dict[str, Clients] = {}

    def of(self, item: SecretVariable) -> Clients:
        region = Reference.parse(item.secret_id).region or self._target.region
        if region not in self._clients:
            self._clients[region] = Clients(replace(self._target, region=region))
        return self._clients[region]


def _holder(clients: _Regions, stage: StageConfig, item: SecretVariable) -> Holder:
    kind = _Parameter if item.service == "ssm" else _Secret
    return kind(clients.of(item), stage, item.secret_id)


class _Secret:
    """A secret of Secrets Manager."""

    def __init__(self, clients: Clients, stage: StageConfig, name: str) -> None:
        self._client, self._stage, self._name = clients.secretsmanager, stage, name

    def read(self) -> str | None:
        try:
            return self._client.get_secret_value(SecretId=self._name).get("SecretString")
        except AWSCallFailed as error:
            if error.code in _MISSING:
                return None
            if error.code == "InvalidRequestException" and "delet" in error.message:
                raise DeployError(
                    f"Secret {self._name} is scheduled for deletion.",
                    f"Restore it: aws secretsmanager restore-secret --secret-id {self._name}",
                ) from None
            raise

    def write(self, text: str) -> None:
        try:
            self._client.put_secret_value(SecretId=self._name, SecretString=text)
        except AWSCallFailed as error:
            if error.code not in _MISSING or self._name.startswith("arn:"):
                raise
            self._client.create_secret(Name=self._name, SecretString=text, Tags=_tags(marks(self._stage)))

    def is_ours(self) -> bool:
        found = self._client.describe_secret(SecretId=self._name).get("Tags", [])
        return marked(self._stage, _named(found))

    def delete(self) -> str:
        self._client.delete_secret(SecretId=self._name, RecoveryWindowInDays=RECOVERY_DAYS)
        return (
            f"secret {self._name}; `aws secretsmanager restore-secret --secret-id {self._name}` restores it for"
            f" {RECOVERY_DAYS} days"
        )


class _Parameter:
    """A SecureString parameter of Parameter Store."""

    def __init__(self, clients: Clients, stage: StageConfig, name: str) -> None:
        self._client, self._stage = clients.ssm, stage
        self._name = name

    def read(self) -> str | None:
        found = self._client.get_parameters(Names=[self._name], WithDecryption=True)["Parameters"]
        return found[0]["Value"] if found else None

    def write(self, text: str) -> None:
        given: dict[str, Any] = {"Name": self._name, "Value": text, "Type": "SecureString"}
        if self.read() is None:
            # Tags are refused together with Overwrite.
            self._client.put_parameter(**given, Tier="Intelligent-Tiering", Tags=_tags(marks(self._stage)))
        else:
            self._client.put_parameter(**given, Overwrite=True)

    def is_ours(self) -> bool:
        found = self._client.list_tags_for_resource(ResourceType="Parameter", ResourceId=self._name)["TagList"]
        return marked(self._stage, _named(found))

    def delete(self) -> str:
        self._client.delete_parameters(Names=[self._name])
        return f"parameter {self._name}"


def _tags(found: Mapping[str, str]) -> list[Any]:
    return [{"Key": key, "Value": value} for key, value in found.items()]


def _named(tags: Sequence[Any]) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in tags}
