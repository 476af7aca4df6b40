"""Changes for which CloudFormation replaces a resource: it creates a new one and deletes the old with its content.

CloudFormation's own resource schemas list these properties as `createOnlyProperties`; a test holds the table to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CREATE_ONLY: Mapping[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "AWS::ApiGatewayV2::Api": "ProtocolType",
        "AWS::ApiGatewayV2::Integration": "ApiId",
        "AWS::ApiGatewayV2::Route": "ApiId",
        "AWS::ApiGatewayV2::Stage": "ApiId StageName",
        "AWS::Events::Rule": "Name",
        "AWS::IAM::Role": "Path RoleName",
        "AWS::Lambda::Alias": "FunctionName Name",
        "AWS::Lambda::EventInvokeConfig": "FunctionName Qualifier",
        "AWS::Lambda::EventSourceMapping": "EventSourceArn SelfManagedEventSource StartingPosition"
        " StartingPositionTimestamp",
        "AWS::Lambda::Function": "FunctionName PackageType TenancyConfig",
        "AWS::Lambda::Permission": "Action EventSourceToken FunctionName FunctionUrlAuthType InvokedViaFunctionUrl"
        " Principal PrincipalOrgID SourceAccount SourceArn",
        "AWS::Lambda::Url": "Qualifier TargetFunctionArn",
        "AWS::Lambda::Version": "CodeSha256 Description FunctionName ProvisionedConcurrencyConfig RuntimePolicy",
        "AWS::Logs::LogGroup": "LogGroupName",
        "AWS::S3::Bucket": "BucketName BucketNamePrefix BucketNamespace",
        "AWS::S3::BucketPolicy": "Bucket",
        "AWS::SNS::Subscription": "Endpoint Protocol TopicArn",
        "AWS::SQS::Queue": "FifoQueue QueueName",
        "AWS::Scheduler::Schedule": "Name",
    }.items()
}


def replacing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The properties whose change replaces a resource, from its part of two templates; empty for an update in place."""
    if before["Type"] != after["Type"]:
        return ["Type"]
    one, other = before.get("Properties", {}), after.get("Properties", {})
    fixed = CREATE_ONLY.get(before["Type"], frozenset())
    return sorted(name for name in fixed if one.get(name) != other.get(name))
