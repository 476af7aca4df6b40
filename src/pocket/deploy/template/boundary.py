"""The permissions boundary of a stage's roles: the most that any of them may do, whatever its own policy allows.

It has the same statements as the roles. Resources with the stage's name are allowed by that name, so that another
handler, queue or schedule needs no other boundary; secrets, objects and the user's own resources are exact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.config import build_manifest
from pocket.config.tables.database import AURORA_DATABASE, AURORA_OWNER, AURORA_USER, IamAccess
from pocket.deploy.template.inputs import Code, Inputs
from pocket.deploy.template.permissions import TAKING, statements
from pocket.deploy.template.steps import references
from pocket.deploy.template.tasks import PASS, TO_SCHEDULER, task_handlers

if TYPE_CHECKING:
    from pocket.config import Project, StageConfig

    Statement = dict[str, Any]

ANY_ACCOUNT = "*"


@dataclass(frozen=True)
class Place:
    """Where ARNs point: partition, region and account, which may be `*`; and the stage's prefix of names."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource of the account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def role(self, name: str) -> str:
        """The ARN of a role."""
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def cdn(self, resource: str) -> str:
        """The ARN of a resource of CloudFront, which has no region."""
        return f"arn:{self.partition}:cloudfront::{self.account}:{resource}"

    def bucket(self, name: str) -> str:
        """The ARN of a bucket, or of objects in it."""
        return f"arn:{self.partition}:s3:::{name}"


def place_of(stage: StageConfig) -> Place:
    """The place that the stage goes to; the account is that of its permissions boundary, `*` where that has none."""
    from botocore.session import Session

    boundary = stage.awscontainer.permissions_boundary if stage.awscontainer else None
    if boundary is not None:
        _, partition, _, _, account, _ = boundary.split(":", 5)
        return Place(partition, stage.region, account if account.isdigit() else ANY_ACCOUNT)
    return Place(Session().get_partition_for_region(stage.region), stage.region, ANY_ACCOUNT)


def boundary_policy(project: Project, stage: StageConfig) -> dict[str, Any]:
    """The boundary's policy document. Raises what `statements` raises."""
    place, named = place_of(stage), f"{stage.stack_name}-*"
    queues, functions = place.arn("sqs", named), place.arn("lambda", f"function:{named}")
    found = {
        "WriteLogs": _allow(
            "WriteLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            place.arn("logs", f"log-group:/aws/lambda/{named}"),
        ),
        "SendJobs": _allow("SendJobs", ["sqs:SendMessage"], queues),
        "TakeJobs": _allow("TakeJobs", TAKING, queues),
        "Invoke": _allow("Invoke", ["lambda:InvokeFunction"], functions),
    }
    if task_handlers(stage):
        # CloudFormation names the role that is passed: the stack's name, which may be cut, and more.
        role = place.role(f"{stage.stack_name[:20]}*")
        found[PASS] = {**_allow(PASS, ["iam:PassRole"], role), "Condition": TO_SCHEDULER}
    by_name = {*found, "KeepFailures"}  # SendJobs names all queues of the stage
    # A cluster has its id once it is created, which may be later.
    created = IamAccess("", 0, AURORA_DATABASE, AURORA_USER, "*", AURORA_OWNER)
    cluster = created if stage.cluster_name is not None else None
    inputs = Inputs(stage, build_manifest(project).stages[stage.name], Code("", ""), cluster=cluster)
    for handler in inputs.handlers:
        for statement in statements(inputs, handler):
            # What is denied to one role may be allowed to another.
            if statement["Effect"] == "Allow" and statement["Sid"] not in by_name:
                _merge(found, _resolved(_known(statement), place))
    return {"Version": "2012-10-17", "Statement": list(found.values())}


def _merge(found: dict[str, Statement], statement: Statement) -> None:
    """Adds a statement, or its resources to the one with its id that another handler has."""
    known = found.setdefault(statement["Sid"], statement)
    known["Resource"] += [item for item in statement["Resource"] if item not in known["Resource"]]


def _allow(sid: str, actions: list[str], resource: str) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": [resource]}


def _known(statement: Statement) -> Statement:
    """The statement with `*` for resources and values of the stack, which have no ARN before they are created."""
    resources = ["*" if _of_stack(item) else item for item in statement["Resource"]]
    known = {**statement, "Resource": ["*"] if "*" in resources else resources}
    if conditions := statement.get("Condition"):
        known["Condition"] = {
            operator: kept
            for operator, keys in conditions.items()
            if (kept := {key: values for key, values in keys.items() if not any(map(_of_stack, values))})
        }
        if not known["Condition"]:
            del known["Condition"]
    return known


def _of_stack(value: object) -> bool:
    return any("::" not in name for name in references(value))


def _resolved(value: Any, place: Place) -> Any:
    """A part of a template with this place's values for the `Fn::Sub` of its ARNs."""
    if isinstance(value, list):
        return [_resolved(item, place) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Fn::Sub"}:
        values = {"Partition": place.partition, "Region": place.region, "AccountId": place.account}
        text = re.sub(r"\$\{AWS::(\w+)\}", lambda found: values[found[1]], value["Fn::Sub"])
        return text.replace("${!", "${")
    return {key: _resolved(item, place) for key, item in value.items()}
