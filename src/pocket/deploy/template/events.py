"""What calls a handler's alias: S3, SNS, EventBridge and DynamoDB streams.

A bucket's notifications are part of the bucket, which is in the storage stack and exists before any function: `storage`
has them, and `storage_steps` adds them once the function is live. Here is the permission that they need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.failed_events import failures_id
from pocket.deploy.template.intrinsics import arn, attribute, bucket_arn, ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocket.config import StageConfig
    from pocket.config.tables.events import DynamoDbEvent, Event, EventBridgeEvent, S3Event
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource


def events(inputs: Inputs, handler: str, declared: Sequence[Event]) -> dict[str, Resource]:
    """The callers of one handler, and their permissions to call it."""
    found: dict[str, Resource] = {}
    if any(event.s3 is not None for event in declared) and inputs.config.bucket_name is not None:
        source = bucket_arn(inputs.config.bucket_name)
        account = {"SourceAccount": ref("AWS::AccountId")}
        found[naming.logical_id(handler, "BucketPermission")] = _permission(handler, "s3", source, **account)
    for number, event in enumerate(declared, 1):
        name = naming.logical_id(handler, f"Event{number}")
        if event.sns is not None:
            found[name] = _subscription(handler, event.sns.topic)
            found[f"{name}Permission"] = _permission(handler, "sns", event.sns.topic)
        if event.eventbridge is not None:
            found[name] = _rule(handler, event.eventbridge)
            found[f"{name}Permission"] = _permission(handler, "events", attribute(name, "Arn"))
        if event.dynamodb is not None:
            found[name] = _mapping(handler, event.dynamodb)
    return found


def _permission(handler: str, service: str, source: Any, **more: Any) -> Resource:
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": _alias(handler),
            "Principal": f"{service}.amazonaws.com",
            "SourceArn": source,
            **more,
        },
    }


def _alias(handler: str) -> dict[str, str]:
    return ref(naming.logical_id(handler, "Alias"))


def _subscription(handler: str, topic: str) -> Resource:
    properties = {"Protocol": "lambda", "TopicArn": topic, "Endpoint": _alias(handler), "Region": topic.split(":")[3]}
    return {"Type": "AWS::SNS::Subscription", "Properties": properties}


def _rule(handler: str, declared: EventBridgeEvent) -> Resource:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventBusName": declared.bus,
            "EventPattern": declared.pattern,
            "Targets": [{"Id": "live", "Arn": _alias(handler)}],
        },
    }


def _mapping(handler: str, declared: DynamoDbEvent) -> Resource:
    """A batch that fails is split, so that one record cannot hold up the others of its batch."""
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": declared.stream,
            "FunctionName": _alias(handler),
            "BatchSize": declared.batch_size,
            "StartingPosition": declared.starting_position,
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": declared.maximum_retry_attempts,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "DestinationConfig": {"OnFailure": {"Destination": attribute(failures_id(handler), "Arn")}},
        },
    }


def notifications(config: StageConfig) -> list[dict[str, Any]]:
    """The bucket's notifications, one for each event of S3. Functions are named by their ARN, since they are in another
    stack."""
    handlers = config.awscontainer.handlers if config.awscontainer else {}
    return [
        {"Event": event, "Function": _function_arn(config, handler), **_filter(item.s3)}
        for handler, declared in handlers.items()
        for item in declared.events
        if item.s3 is not None
        for event in item.s3.events
    ]


def _function_arn(config: StageConfig, handler: str) -> Any:
    return arn("lambda", f"function:{config.function_name(handler)}:{naming.ALIAS}")


def _filter(event: S3Event) -> dict[str, Any]:
    parts = {"prefix": event.prefix, "suffix": event.suffix}
    rules = [{"Name": name, "Value": value} for name, value in parts.items() if value]
    return {"Filter": {"S3Key": {"Rules": rules}}} if rules else {}
