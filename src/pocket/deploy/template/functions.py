"""A handler's function: its log group, its published version and the alias that traffic goes through."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.config.tables.handlers import SMALLEST_STORAGE
from pocket.deploy.template.environment import variables
from pocket.deploy.template.inputs import log_group_name, log_retention
from pocket.deploy.template.intrinsics import attribute, ref

if TYPE_CHECKING:
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource

FINGERPRINT = 10
"""Hexadecimal digits at the end of a version's logical id."""


def function(inputs: Inputs, handler: str) -> dict[str, Resource]:
    """The resources of one handler's function, without its fronts."""
    properties = _properties(inputs, handler)
    lambda_id, logs_id = naming.logical_id(handler, "Function"), naming.logical_id(handler, "Logs")
    version_id = naming.logical_id(handler, "Version") + _fingerprint(properties, inputs)
    return {
        logs_id: {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": log_group_name(inputs.config, handler),
                "RetentionInDays": log_retention(inputs, handler),
            },
        },
        lambda_id: {"Type": "AWS::Lambda::Function", "Properties": properties},
        version_id: {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": ref(lambda_id)}},
        naming.logical_id(handler, "Alias"): {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": ref(lambda_id),
                "FunctionVersion": attribute(version_id, "Version"),
                "Name": naming.ALIAS,
            },
        },
    }


def _properties(inputs: Inputs, handler: str) -> dict[str, Any]:
    declared, container = inputs.handlers[handler], inputs.container
    properties: dict[str, Any] = {
        "FunctionName": inputs.config.function_name(handler),
        "Handler": naming.EVENT_HANDLER if declared.runs_callable else declared.command,
        "Runtime": f"python{container.python_version}",
        "Architectures": [container.architecture],
        "Code": {"S3Bucket": inputs.code.bucket, "S3Key": inputs.code.key},
        "Role": attribute(naming.logical_id(handler, "Role"), "Arn"),
        "MemorySize": declared.memory_size,
        "Timeout": declared.timeout,
        "Environment": {"Variables": variables(inputs, handler)},
        # With the reference, the log group comes first and goes last: Lambda never creates one without expiry.
        "LoggingConfig": {"LogGroup": ref(naming.logical_id(handler, "Logs"))},
    }
    if (vpc := inputs.config.vpc) is not None:
        properties["VpcConfig"] = {"SubnetIds": vpc.subnet_ids, "SecurityGroupIds": vpc.security_group_ids}
    if declared.ephemeral_storage != SMALLEST_STORAGE:
        properties["EphemeralStorage"] = {"Size": declared.ephemeral_storage}
    if declared.reserved_concurrency is not None:
        properties["ReservedConcurrentExecutions"] = declared.reserved_concurrency
    if declared.events:
        allowed = any(event.s3 is not None and event.s3.allow_recursion for event in declared.events)
        properties["RecursiveLoop"] = "Allow" if allowed else "Terminate"
    if container.snapstart:
        properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    return properties


def _fingerprint(properties: dict[str, Any], inputs: Inputs) -> str:
    """Digits that change with the code and the configuration of the function, and with nothing else.

    CloudFormation publishes a version when it meets a new logical id, never because a function changed, and Lambda
    refuses another version of a function that did not change.
    """
    facts = [properties, sorted(inputs.environment.items())]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:FINGERPRINT]
