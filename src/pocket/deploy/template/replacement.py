"""Changes for which CloudFormation replaces a resource: it creates a new one and deletes the old with its content.

CloudFormation's own resource schemas list these properties as `createOnlyProperties`; a test holds the table to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.deploy.template.linting import create_only
from pocket.deploy.template.own_resources import is_own
from pocket.deploy.template.steps import FUNCTION, references
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

CREATE_ONLY: Mapping[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "AWS::ApiGatewayV2::Api": "ProtocolType",
        "AWS::ApiGatewayV2::ApiMapping": "DomainName",
        "AWS::ApiGatewayV2::DomainName": "DomainName",
        "AWS::ApiGatewayV2::Integration": "ApiId",
        "AWS::ApiGatewayV2::Route": "ApiId",
        "AWS::ApiGatewayV2::Stage": "ApiId StageName",
        "AWS::CloudFront::Function": "Name",
        "AWS::CertificateManager::Certificate": "CertificateAuthorityArn CertificateExport DomainName"
        " DomainValidationOptions KeyAlgorithm SubjectAlternativeNames",
        "AWS::CloudWatch::Alarm": "AlarmName",
        "AWS::CloudWatch::Dashboard": "DashboardName",
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
        "AWS::Route53::RecordSet": "HostedZoneId HostedZoneName",
        "AWS::S3::Bucket": "BucketName BucketNamePrefix BucketNamespace",
        "AWS::S3::BucketPolicy": "Bucket",
        "AWS::SNS::Subscription": "Endpoint Protocol TopicArn",
        "AWS::SNS::Topic": "FifoTopic TopicName",
        "AWS::SQS::Queue": "FifoQueue QueueName",
        "AWS::Scheduler::Schedule": "Name",
        "AWS::Scheduler::ScheduleGroup": "Name",
    }.items()
}


def replacing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The properties whose change replaces a resource, from its part of two templates; empty for an update in place."""
    if before["Type"] != after["Type"]:
        return ["Type"]
    one, other = before.get("Properties", {}), after.get("Properties", {})
    kind = before["Type"]
    fixed = CREATE_ONLY[kind] if kind in CREATE_ONLY else create_only(kind)
    return sorted(name for name in fixed if one.get(name) != other.get(name))


def refuse_stale(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raises PlanRefused where a user's resource is replaced whose name a function has in its environment.

    A version keeps the environment that it was published with, and a resource is replaced later, once the gates passed.
    """
    standing, wanted = before.get("Resources") or {}, after.get("Resources") or {}
    functions = [item for item in wanted.values() if item["Type"] == FUNCTION]
    used = {name for item in functions for name in references(item["Properties"].get("Environment", {}))}
    for name, resource in wanted.items():
        if name not in used or name not in standing or not is_own(resource):
            continue
        if fixed := replacing(standing[name], resource):
            raise PlanRefused(
                f"{name} of awscontainer.resources would be replaced by another resource (changed: {', '.join(fixed)}),"
                " but the functions of the new release would have the name of the old one.",
                f"Give it another logical id instead of {name}, and change its output: the new resource is then created"
                " before the release, and the old one removed after it.",
            )
