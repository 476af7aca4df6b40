"""The input of a stage's template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.config import StageConfig
    from pocket.config.tables.awscontainer import AwsContainer
    from pocket.config.tables.database import IamAccess
    from pocket.config.tables.handlers import Handler
    from pocket.manifest import Stage


@dataclass(frozen=True)
class Code:
    """The artifact's object in S3; its key has the hash of its content, so another artifact has another key."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Inputs:
    """All that `render` takes.

    `manifest` is this stage's part of the manifest. `addresses` maps a handler to the address that replaces AWS's own;
    `url_hosts` a handler to the host of its function URL, where it is deployed already. `zones` maps a domain whose
    records are created to the id of its hosted zone, `certificates` a domain whose certificate is not part of the stack
    to its ARN. `environment` is laid over every function's own and may hold secrets. `secrets_changed` is the date of a
    secret that the functions are renewed for, or "". `own` are the sections of the user's file of resources.
    `secrets` has the generated values that the distribution needs, by variable.
    """

    config: StageConfig
    manifest: Stage
    code: Code
    addresses: Mapping[str, str] = field(default_factory=dict)
    url_hosts: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[str, str] = field(default_factory=dict)
    secrets_changed: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    cluster: IamAccess | None = None
    """The access to the stage's Aurora cluster, once it exists."""

    @property
    def iam_access(self) -> IamAccess | None:
        """The access of the functions to a database with IAM; None without one."""
        return self.cluster or (self.config.database.iam_access if self.config.database is not None else None)

    def database_user(self, handler: str) -> str:
        """The database's user that the handler's function is, with IAM; the one for management commands is the owner.

        Without such a handler nothing migrates, so that a new cluster has its owner alone.
        """
        found, managing = self.iam_access, self.config.command_handler
        if found is None:
            return ""
        is_owner = handler == managing or (managing is None and self.config.cluster_name is not None)
        return found.owner or found.user if is_owner else found.user

    @property
    def container(self) -> AwsContainer:
        """The stage's `[awscontainer]`; raises DeployError where it has none."""
        if self.config.awscontainer is None:
            raise DeployError(
                f"Stage {self.config.name!r} has no [awscontainer], so there is nothing to deploy.",
                "Declare at least one [awscontainer.handlers.NAME] in pocket.toml.",
            )
        return self.config.awscontainer

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The stage's handlers, in the file's order."""
        return self.container.handlers


def queue_id(inputs: Inputs, handler: str, what: str = "Queue") -> str:
    """The logical id of the handler's queue, or of its `DeadLetters`.

    A FIFO queue has another id: AWS cannot turn a queue into one. So the new queue exists before the functions that
    have its URL are published, and the old one is removed after they are live.
    """
    declared = inputs.handlers[handler].sqs
    return naming.logical_id(handler, "Fifo" if declared is not None and declared.fifo else "", what)


def log_retention(inputs: Inputs, handler: str) -> int:
    """The days for which the handler's logs are kept."""
    return inputs.handlers[handler].log_retention or inputs.container.log_retention


def log_group_name(config: StageConfig, handler: str) -> str:
    """The name of the log group that the handler's function writes to."""
    return f"/aws/lambda/{config.function_name(handler)}"


def access_log_name(config: StageConfig, handler: str) -> str:
    """The name of the log group that the handler's HTTP API writes to.

    AWS adds a policy to the account for each group with another prefix, until the policy is too long:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html
    """
    return f"/aws/vendedlogs/apis/{config.resource_name(handler)}"
