"""Amazon RDS as far as a cluster in express configuration needs it, behind botocore's own client.

botocore validates and serializes each request; each answer is checked against its model. Only the network is missing.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aws_double import hold

from pocket.deploy.aws.session import Clients

HOST = "pocket-dev-small-database.cluster-abc.eu-central-1.rds.amazonaws.com"


class RDS:
    """`clusters` by name; `refusals` are errors, as code and message, of the next calls of an operation."""

    def __init__(self) -> None:
        self.clusters: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refusals: dict[str, tuple[str, str]] = {}
        self.instance_states: list[str] = []
        self.later: list[str] = []
        """The states that a new cluster goes through before it is available, one for each description."""

    @property
    def changes(self) -> list[str]:
        return [operation for operation, _ in self.calls if not operation.startswith("Describe")]

    def answer(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        name = given.get("DBClusterIdentifier", "")
        if operation == "DescribeDBClusters":
            if name not in self.clusters:
                raise LookupError("DBClusterNotFoundFault", f"DBCluster {name} not found.")
            found = self.clusters[name]
            if self.later:
                found["Status"] = self.later.pop(0)
            elif found["Status"] not in {"available", "stopped", "deleting", "failed"}:
                found |= {"Status": "available", "Endpoint": HOST, "Port": 5432}
            return {"DBClusters": [found]}
        if operation == "CreateDBCluster":
            self.clusters[name] = {
                "DBClusterIdentifier": name,
                "Status": "creating",
                "DbClusterResourceId": "cluster-ABC",
                "EngineVersion": "17.7",
                "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.0, "MaxCapacity": 16.0},
                "TagList": given["Tags"],
                "DBClusterMembers": [{"DBInstanceIdentifier": f"{name}-instance-1", "IsClusterWriter": True}],
            }
            return {"DBCluster": self.clusters[name]}
        if operation == "RestoreDBClusterToPointInTime":
            source = self.clusters[given["SourceDBClusterIdentifier"]]
            copied = {"DBClusterIdentifier": name, "Status": "creating", "TagList": given["Tags"]}
            self.clusters[name] = {**source, **copied, "Endpoint": "", "DBClusterMembers": []}
            return {"DBCluster": self.clusters[name]}
        if operation in {"CreateDBInstance", "DescribeDBInstances"}:
            status = "creating" if operation == "CreateDBInstance" else (self.instance_states or ["available"]).pop(0)
            instance = {"DBInstanceIdentifier": given["DBInstanceIdentifier"], "DBInstanceStatus": status}
            if operation == "CreateDBInstance":
                member = {"DBInstanceIdentifier": given["DBInstanceIdentifier"], "IsClusterWriter": True}
                self.clusters[name]["DBClusterMembers"].append(member)
            return {"DBInstance": instance} if operation == "CreateDBInstance" else {"DBInstances": [instance]}
        if operation == "DeleteDBCluster":
            self.clusters[name]["Status"] = "deleting"
            return {"DBCluster": self.clusters[name]}
        assert operation == "DeleteDBInstance", operation
        return {}

    def connect(self, client: Any) -> None:
        """Lets a client of boto3 have its answers from here."""
        pending: list[dict[str, Any]] = []
        client.meta.events.register("before-parameter-build.rds", lambda params, **_: pending.append(dict(params)))

        def before_call(model: Any, **_: Any) -> Any:
            given = pending.pop()
            self.calls.append((model.name, given))
            code = self.refusals.pop(model.name, None)
            try:
                if code:
                    raise LookupError(*code)
                found = self.answer(model.name, given)
            except LookupError as error:
                refused = {"Error": {"Code": error.args[0], "Message": error.args[1], "Type": "Sender"}}
                return SimpleNamespace(status_code=400), {**refused, "ResponseMetadata": {"HTTPStatusCode": 400}}
            hold("rds", model.name, found, answer=True)
            return SimpleNamespace(status_code=200), {**found, "ResponseMetadata": {"HTTPStatusCode": 200}}

        client.meta.events.register("before-call.rds", before_call)


def installed(monkeypatch: pytest.MonkeyPatch) -> RDS:
    """Every client of RDS that Pocket makes has its answers from the returned double."""
    double, real = RDS(), Clients._client

    def client(self: Clients, service: str, *more: Any, **options: Any) -> Any:
        found = real(self, service, *more, **options)
        if service == "rds":
            double.connect(found._wrapped)
        return found

    monkeypatch.setattr(Clients, "_client", client)
    return double
