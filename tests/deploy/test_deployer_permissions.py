"""The documented policy of whoever deploys, held against the code and against CloudFormation's resource types."""

from __future__ import annotations

import ast
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from deploying import FULL, inputs, project

import pocket.deploy
from pocket.deploy.template import render, render_storage

ROOM = Path(pocket.deploy.__file__).parent
PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "deployer-permissions.md"
SERVICES = ("cloudformation", "lambda", "logs", "s3", "secretsmanager", "sqs", "ssm", "sts")

ACTIONS = {
    "lambda:Invoke": {"lambda:InvokeFunction"},
    "s3:DeleteObjects": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    "s3:ListObjectVersions": {"s3:ListBucketVersions"},
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "s3:UploadFile": {"s3:PutObject", "s3:AbortMultipartUpload"},
    "sts:GetCallerIdentity": set(),
    "cloudformation:ValidateTemplate": set(),  # a method of cfn-lint's, which asks nobody
}
"""The IAM actions of those operations whose name is another."""

UNUSED = (
    r"(ec2|elasticfilesystem|s3files):.*",  # VPCs and shared files
    r"(kms|codedeploy|firehose|s3tables):.*",  # own keys, gradual deploys, log delivery, tables
    r"lambda:.*(CodeSigning|LayerVersion|ProvisionedConcurrency|ScalingConfig|CapacityProvider).*",
    r"lambda:(AssociateRuntimeAlias|Put(RuntimeManagementConfig|FunctionRecursionConfig))",
    r"logs:(?!Get|Describe).*(KmsKey|LogDelivery|DataProtectionPolicy|IndexPolicy|ResourcePolicy|BearerToken|DeletionProtection).*",
    r"s3:(Put|Delete|Update|Create)\w*(Metadata|Abac|Accelerate|Analytics|Acl|Logging|Notification|ObjectLock).*",
    r"s3:(Put|Delete)\w*(Replication|Website|IntelligentTiering|Inventory|Metrics).*",
    r"s3:DeleteBucket(Encryption|Lifecycle)",  # every bucket keeps both
    r"s3:(getObject|REST\.PUT\.OBJECT)",  # not actions of IAM
    r"iam:(AttachRolePolicy|DetachRolePolicy|UpdateRole|UpdateRoleDescription)",  # no managed policy, no description
)
"""What resource types may need for features that no template of Pocket's uses."""


def documented() -> list[dict[str, Any]]:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def allowed() -> set[str]:
    actions = (statement["Action"] for statement in documented())
    return {action for found in actions for action in ([found] if isinstance(found, str) else found)}


def called() -> set[str]:
    """`service:Operation` of every API call in the room's code, whichever object it is called on."""
    models = botocore.session.Session()
    known: dict[str, set[str]] = {"upload_file": {"s3:UploadFile"}}
    for service in SERVICES:
        for operation in models.get_service_model(service).operation_names:
            known.setdefault(xform_name(operation), set()).add(f"{service}:{operation}")
    found: set[str] = set()
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                names = [node.func.attr]
                if node.func.attr == "get_paginator":
                    names = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                found.update(operation for name in names for operation in known.get(str(name), ()))
    return found


def actions_called() -> set[str]:
    return {action for operation in called() for action in ACTIONS.get(operation, {operation})}


def actions_of_resources(folder: Path) -> set[str]:
    """What CloudFormation needs for the resource types of a stage with one of everything."""
    found = project(folder, FULL)
    bodies = (render(inputs(found)).body, render_storage(found.stage("dev"), "123456789012").body)
    kinds = {item["Type"] for body in bodies for item in body["Resources"].values()}
    schemas = (PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-central-1", kind).schema for kind in kinds)
    steps = [schema["handlers"].get(step, {}) for schema in schemas for step in ("create", "read", "update", "delete")]
    needed = {action for step in steps for action in step.get("permissions", ())}
    return {action for action in needed if not any(re.fullmatch(pattern, action) for pattern in UNUSED)}


def missing(needed: set[str]) -> set[str]:
    policy = allowed()
    return {action for action in needed if not any(fnmatchcase(action, pattern) for pattern in policy)}


def test_the_code_calls_nothing_that_is_not_documented() -> None:
    operations = called()
    assert {"cloudformation:CreateChangeSet", "logs:FilterLogEvents", "lambda:Invoke"} <= operations
    assert missing(actions_called()) == set()


def test_cloudformation_needs_nothing_that_is_not_documented(tmp_path: Path) -> None:
    assert missing(actions_of_resources(tmp_path)) == set()


def test_nothing_is_documented_that_nobody_needs(tmp_path: Path) -> None:
    needed = actions_called() | actions_of_resources(tmp_path)
    assert {pattern for pattern in allowed() if not any(fnmatchcase(action, pattern) for action in needed)} == set()


def test_what_can_be_held_to_pockets_own_resources_is() -> None:
    wide = {statement["Sid"] for statement in documented() if statement["Resource"] == "*"}
    assert wide == {"QueuesToFunctions", "LogGroups"}
