"""Secrets and parameters, one by one: read, written, and deleted if Pocket created them.

Values are never printed, logged or put into an error.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from pocket.config.secret_references import Reference
from pocket.deploy.stacks.secret_stores import MISSING, RECOVERY_DAYS, restoring, secret_text
from pocket.deploy.template.marks import by_key, listed, marked, marks
from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.manifest import SecretVariable


class Holder(Protocol):
    """A secret or a parameter that may not exist yet."""

    def read(self) -> str | None: ...

    def write(self, text: str) -> None: ...

    def is_ours(self) -> bool: ...

    def delete(self) -> str: ...


def holder(clients: Clients, stage: StageConfig, item: SecretVariable) -> Holder:
    """The secret or parameter of a variable, which may be an ARN of another region than the stage's."""
    there = clients.in_region(Reference.parse(item.secret_id).region or clients.target.region)
    return (_Parameter if item.service == "ssm" else _Secret)(there, stage, item.secret_id)


def read(clients: Clients, stage: StageConfig, item: SecretVariable) -> str | None:
    """The value of a variable; None if it does not exist. Raises DeployError as `object_in`."""
    return value_in(item, holder(clients, stage, item).read())


def place(item: SecretVariable) -> str:
    """The secret or parameter of a variable, with `#key` for one key of a JSON secret."""
    return _whole(item) + (f"#{item.key}" if item.key is not None else "")


def _whole(item: SecretVariable) -> str:
    return f"{'parameter' if item.service == 'ssm' else 'secret'} {item.secret_id}"


def value_in(item: SecretVariable, text: str | None) -> str | None:
    """The variable's value in the text of its secret. Raises DeployError as `object_in`."""
    if text is None or item.key is None:
        return text
    value = object_in(item, text).get(item.key)
    return value if value is None or isinstance(value, str) else json.dumps(value)


def object_in(item: SecretVariable, text: str) -> dict[str, Any]:
    """The JSON object in the text of a secret. Raises DeployError for any other text."""
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


class _Secret:
    """A secret of Secrets Manager."""

    def __init__(self, clients: Clients, stage: StageConfig, name: str) -> None:
        self._clients, self._client, self._stage, self._name = clients, clients.secretsmanager, stage, name
        self._restore = restoring(clients, name)

    def read(self) -> str | None:
        return secret_text(self._clients, self._name) or None

    def write(self, text: str) -> None:
        try:
            self._client.put_secret_value(SecretId=self._name, SecretString=text)
        except AWSCallFailed as error:
            if error.code == "InvalidRequestException":
                self.read()  # its error says what to do about a secret that is scheduled for deletion
            if error.code != MISSING or self._name.startswith("arn:"):
                raise
            self._client.create_secret(Name=self._name, SecretString=text, Tags=listed(marks(self._stage)))

    def is_ours(self) -> bool:
        found = self._client.describe_secret(SecretId=self._name).get("Tags", [])
        return marked(self._stage, by_key(found))

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
            self._client.put_parameter(**given, Tier="Intelligent-Tiering", Tags=listed(marks(self._stage)))
        else:
            self._client.put_parameter(**given, Overwrite=True)

    def is_ours(self) -> bool:
        found = self._client.list_tags_for_resource(ResourceType="Parameter", ResourceId=self._name)["TagList"]
        return marked(self._stage, by_key(found))

    def delete(self) -> str:
        self._client.delete_parameters(Names=[self._name])
        return f"parameter {self._name}, which AWS cannot restore"
