"""Secrets and parameters, one by one: read, written, and deleted if Pocket created them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from pocket.config.secret_references import Reference
from pocket.deploy.aws.session import Clients
from pocket.deploy.stacks.secret_stores import RECOVERY_DAYS, restoring
from pocket.deploy.template.marks import marked, marks
from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.config import StageConfig
    from pocket.deploy.target import Target
    from pocket.manifest import SecretVariable

_MISSING = {"ResourceNotFoundException", "ParameterNotFound"}


class Holder(Protocol):
    """A secret or a parameter that may not exist yet."""

    def read(self) -> str | None: ...

    def write(self, text: str) -> None: ...

    def is_ours(self) -> bool: ...

    def delete(self) -> str: ...


class Regions:
    """Clients by region: a reference may be an ARN of another region than the stage's."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._clients: dict[str, Clients] = {}

    def of(self, item: SecretVariable) -> Clients:
        region = Reference.parse(item.secret_id).region or self._target.region
        if region not in self._clients:
            self._clients[region] = Clients(replace(self._target, region=region))
        return self._clients[region]


def holder(clients: Regions, stage: StageConfig, item: SecretVariable) -> Holder:
    """The secret or parameter of a variable."""
    kind = _Parameter if item.service == "ssm" else _Secret
    return kind(clients.of(item), stage, item.secret_id)


class _Secret:
    """A secret of Secrets Manager."""

    def __init__(self, clients: Clients, stage: StageConfig, name: str) -> None:
        self._client, self._stage, self._name = clients.secretsmanager, stage, name
        self._restore = restoring(clients, name)

    def read(self) -> str | None:
        try:
            return self._client.get_secret_value(SecretId=self._name).get("SecretString")
        except AWSCallFailed as error:
            if error.code in _MISSING:
                return None
            if error.code == "InvalidRequestException" and "delet" in error.message:
                raise DeployError(
                    f"Secret {self._name} is scheduled for deletion.",
                    f"Restore it: {self._restore}",
                ) from None
            raise

    def write(self, text: str) -> None:
        try:
            self._client.put_secret_value(SecretId=self._name, SecretString=text)
        except AWSCallFailed as error:
            if error.code == "InvalidRequestException":
                self.read()  # its error says what to do about a secret that is scheduled for deletion
            if error.code not in _MISSING or self._name.startswith("arn:"):
                raise
            self._client.create_secret(Name=self._name, SecretString=text, Tags=_tags(marks(self._stage)))

    def is_ours(self) -> bool:
        found = self._client.describe_secret(SecretId=self._name).get("Tags", [])
        return marked(self._stage, _named(found))

    def delete(self) -> str:
        self._client.delete_secret(SecretId=self._name, RecoveryWindowInDays=RECOVERY_DAYS)
        return f"secret {self._name}; `{self._restore}` restores it for {RECOVERY_DAYS} days"


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
        return f"parameter {self._name}, which AWS cannot restore"


def _tags(found: Mapping[str, str]) -> list[Any]:
    return [{"Key": key, "Value": value} for key, value in found.items()]


def _named(tags: Sequence[Any]) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in tags}
