"""IAM roles. Each handler has its own: one for the web cannot receive a worker's jobs or write to its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.permissions import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource


def execution_role(inputs: Inputs, handler: str) -> dict[str, Resource]:
    """The role that the handler's function runs as; its logical id ends with `Role`."""
    return {naming.logical_id(handler, "Role"): role(inputs, "lambda.amazonaws.com", statements(inputs, handler))}


def role(inputs: Inputs, service: str, allowed: Sequence[dict[str, Any]], **conditions: Any) -> Resource:
    """A role for an AWS `service`, within the stage's permissions boundary if it has one.

    It has no name of its own: CloudFormation derives one from the stack's, so two stages never share one.
    """
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    properties: dict[str, Any] = {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{**trust, **({"Condition": conditions} if conditions else {})}],
        },
        "Policies": [
            {"PolicyName": "pocket", "PolicyDocument": {"Version": "2012-10-17", "Statement": list(allowed)}},
        ],
    }
    if boundary := inputs.container.permissions_boundary:
        properties["PermissionsBoundary"] = boundary
    return {"Type": "AWS::IAM::Role", "Properties": properties}
