"""The Aurora cluster of a stage: created once, found again by name and tags, removed only if the user names it.

It has the express configuration: one call, no network of the user's, no password, and no capacity while it is idle.
CloudFormation does not have this configuration, so the deploy creates the cluster itself:
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/CHAP_GettingStartedAurora.AuroraPostgreSQL.ExpressConfig.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pocket.config.tables.database import AURORA_DATABASE, AURORA_OWNER, AURORA_USER, IamAccess
from pocket.deploy.template.marks import by_key, listed, marked, marks
from pocket.errors import AWSCallFailed, DeployError, PlanRefused

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

ENGINE = "aurora-postgresql"
KIND = "AWS::RDS::DBCluster"

UNKNOWN = IamAccess(
    "cluster.placeholder.invalid", 5432, AURORA_DATABASE, AURORA_USER, "cluster-PLACEHOLDER", AURORA_OWNER
)
"""Stands in a plan for the access to a cluster that does not exist yet."""

WAIT_SECONDS = 900.0
PAUSE = 3.0

_CAPACITY = frozenset({"MinCapacity", "MaxCapacity", "SecondsUntilAutoPause"})
_ABSENT = "DBClusterNotFoundFault"
_ENDED = {
    "stopped": "Start it: aws rds start-db-cluster --region {region} --db-cluster-identifier {name}",
    "deleting": "Wait until it is deleted, then deploy again; the deploy creates another one.",
    "failed": "Look at it in the RDS console.",
    "inaccessible-encryption-credentials": "Restore the access to its KMS key.",
}
"""The states that a cluster does not leave by itself, each with what to do."""

_TAKEN = "DBClusterAlreadyExistsFault"
_HINTS = {
    "DBClusterQuotaExceededFault": "Delete a cluster, or raise the quota `DB clusters` of RDS in Service Quotas.",
    _TAKEN: "Deploy again: something else has just created a cluster of this name.",
    "InvalidParameterCombination": "The express configuration may not exist in this region: choose another region, or"
    ' create a cluster yourself and use engine = "postgresql" with iam = true.',
    "InvalidParameterValue": "The express configuration may not exist in this region: choose another region, or"
    ' create a cluster yourself and use engine = "postgresql" with iam = true.',
}


@dataclass(frozen=True)
class Cluster:
    """A cluster of the stage; `host` is empty until it is available. `instances` are those that it consists of."""

    name: str
    status: str
    host: str
    port: int
    resource_id: str
    version: str
    instances: tuple[str, ...] = ()
    capacity: Any = field(default_factory=dict)

    @property
    def access(self) -> IamAccess:
        """The functions' access."""
        return IamAccess(self.host, self.port, AURORA_DATABASE, AURORA_USER, self.resource_id, AURORA_OWNER)


def find(clients: Clients, stage: StageConfig, name: str) -> Cluster | None:
    """The cluster of that name; None without one. Raises DeployError for one that does not have the stage's tags."""
    try:
        found = clients.rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    except AWSCallFailed as error:
        if error.code != _ABSENT:
            raise
        return None
    if not found:
        return None
    facts = found[0]
    if not marked(stage, by_key(facts.get("TagList", []))):
        raise DeployError(
            f"The cluster {name} exists, and Pocket did not create it for stage {stage.name!r} of project"
            f" {stage.project_name!r}. It was not changed.",
            "Choose another general.object_prefix or project_name in pocket.toml.",
        )
    return Cluster(
        name,
        facts.get("Status", ""),
        facts.get("Endpoint", ""),
        facts.get("Port", 5432),
        facts.get("DbClusterResourceId", ""),
        facts.get("EngineVersion", ""),
        tuple(item.get("DBInstanceIdentifier", "") for item in facts.get("DBClusterMembers", [])),
        {key: value for key, value in facts.get("ServerlessV2ScalingConfiguration", {}).items() if key in _CAPACITY},
    )


def of_stage(clients: Clients, stage: StageConfig) -> Cluster | None:
    """The stage's cluster; None without one, and in a rehearsal, which has a database of its own."""
    name = stage.cluster_name
    return None if name is None or stage.database_variable in clients.target.environment else find(clients, stage, name)


def ensure(clients: Clients, stage: StageConfig, reporter: Reporter, *, assume_yes: bool = False) -> IamAccess | None:
    """The access to the stage's cluster, which is created if it is missing and the user confirms; None without one.

    A rehearsal has a database of its own, and no cluster. Raises PlanRefused if the user declines, and DeployError for
    a cluster that is not the stage's, cannot be created or does not become available.
    """
    name = stage.cluster_name
    if name is None or stage.database_variable in clients.target.environment:
        return None
    found = of_stage(clients, stage)
    if found is None:
        question = f"Create the Aurora cluster {name}? AWS bills its storage, and its capacity while it is in use."
        if not assume_yes and not reporter.confirm(question):
            raise PlanRefused("The cluster was not confirmed; nothing was changed.", "Pass --yes to confirm.")
        with reporter.step(f"Create the Aurora cluster {name}"):
            _create(clients, stage, name)
            found = _available(clients, stage, name, reporter)
    elif not (found.status == "available" and found.host and found.instances):
        with reporter.step(f"Wait for the Aurora cluster {name}"):
            found = _available(clients, stage, name, reporter)
    return found.access


def copy(clients: Clients, stage: StageConfig, name: str, reporter: Reporter, *, at: datetime | None) -> Cluster:
    """A new cluster with the data of the stage's own, of that time or of now; it has the same network and capacity.

    A copy of now shares storage with its source until one of them changes. Raises DeployError if the stage has no
    cluster, or the name is taken.
    """
    own = of_stage(clients, stage)
    if own is None:
        raise DeployError(f"The cluster {stage.cluster_name} does not exist.", f"pocket deploy --stage {stage.name}")
    when: dict[str, Any] = {"UseLatestRestorableTime": True, "RestoreType": "copy-on-write"}
    if at is not None:
        when = {"RestoreToTime": at, "RestoreType": "full-copy"}
    try:
        clients.rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier=name,
            SourceDBClusterIdentifier=own.name,
            EnableVPCNetworking=False,
            EnableInternetAccessGateway=True,
            EnableIAMDatabaseAuthentication=True,
            ServerlessV2ScalingConfiguration=own.capacity,
            Tags=_tags(stage),
            **when,
        )
    except AWSCallFailed as error:
        if error.code == _TAKEN:
            hint = f"Choose another name, or remove that one: pocket db remove --stage {stage.name} {name}"
            raise DeployError(f"The cluster {name} exists already.", hint) from error
        raise
    _create_instance(clients, stage, name)
    return _available(clients, stage, name, reporter)


def remove(clients: Clients, stage: StageConfig, cluster: Cluster) -> str:
    """Deletes the cluster with its instances, after a last snapshot; returns in words what was removed."""
    snapshot = f"{cluster.name[:40]}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    current = find(clients, stage, cluster.name)
    if current is None or current.status == "deleting":
        return f"cluster {cluster.name}, which was already being deleted"
    for instance in current.instances:
        try:
            clients.rds.delete_db_instance(DBInstanceIdentifier=instance)
        except AWSCallFailed as error:
            # An interrupted removal is repeated.
            if error.code not in {"DBInstanceNotFound", "DBInstanceNotFoundFault", "InvalidDBInstanceState"}:
                raise
    clients.rds.delete_db_cluster(
        DBClusterIdentifier=cluster.name, SkipFinalSnapshot=False, FinalDBSnapshotIdentifier=snapshot
    )
    return f"cluster {cluster.name}; its last state is the snapshot {snapshot}"


def _create(clients: Clients, stage: StageConfig, name: str) -> None:
    try:
        clients.rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine=ENGINE,
            WithExpressConfiguration=True,
            Tags=_tags(stage),
        )
    except AWSCallFailed as error:
        if error.code in _HINTS:
            raise DeployError(f"The cluster {name} was not created: {error.message}", _HINTS[error.code]) from error
        raise


def _create_instance(clients: Clients, stage: StageConfig, name: str) -> None:
    """The instance of a restored cluster, named as the first one of a cluster in express configuration."""
    try:
        clients.rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-instance-1",
            DBClusterIdentifier=name,
            DBInstanceClass="db.serverless",
            Engine=ENGINE,
            Tags=_tags(stage),
        )
    except AWSCallFailed as error:
        # A new instance may be missing from the description of its cluster for a while.
        if error.code not in {"DBInstanceAlreadyExists", "DBInstanceAlreadyExistsFault"}:
            raise


def _tags(stage: StageConfig) -> list[Any]:
    return listed({**stage.general.tags, **marks(stage)})


def _available(clients: Clients, stage: StageConfig, name: str, reporter: Reporter) -> Cluster:
    """The cluster once it and its instance are available; a copy that was interrupted has no instance, and gets it."""
    deadline, shown = time.monotonic() + WAIT_SECONDS, ""
    while True:
        found = find(clients, stage, name)
        status = "missing" if found is None else found.status
        if found is not None and status == "available" and not found.instances:
            _create_instance(clients, stage, name)
            status = "creating"
        elif found is not None and status == "available" and found.host:
            described = clients.rds.describe_db_instances(DBInstanceIdentifier=found.instances[0])["DBInstances"]
            status = described[0].get("DBInstanceStatus", "creating") if described else "creating"
            if status == "available":
                return found
        if status in _ENDED:
            raise DeployError(
                f"The cluster {name} is {status}.", _ENDED[status].format(region=clients.target.region, name=name)
            )
        if status != shown:
            reporter.event(f"{name} is {status}")
            shown = status
        if time.monotonic() > deadline:
            raise DeployError(
                f"The cluster {name} is still {status} after {WAIT_SECONDS / 60:.0f} minutes.",
                "Deploy again: it goes on waiting.",
            )
        time.sleep(PAUSE)
