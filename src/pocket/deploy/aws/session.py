"""boto3 clients for a target, one for each service; all their errors are Pocket's."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from mypy_boto3_acm.client import ACMClient
    from mypy_boto3_apigatewayv2.client import ApiGatewayV2Client
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudfront.client import CloudFrontClient
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_rds.client import RDSClient
    from mypy_boto3_route53.client import Route53Client
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_sts.client import STSClient

    from pocket.deploy.aws.connections import Connections
    from pocket.deploy.target import Target


def configured_region() -> str | None:
    """The region of the environment or of the AWS CLI's profile; None if neither has one."""
    if region := os.environ.get("AWS_REGION"):
        return region
    from pocket.deploy.aws.connections import region_of_profile

    return region_of_profile()


class Clients:
    """A client for each service, created when first used; a client may be used from several threads.

    If the target names an account, every client raises PlanRefused for the credentials of another.
    """

    def __init__(self, target: Target) -> None:
        self.target = target

    def in_region(self, region: str) -> Clients:
        """Clients of the same target in another region."""
        return self if region == self.target.region else Clients(replace(self.target, region=region))

    @cached_property
    def acm(self) -> ACMClient:
        return cast("ACMClient", self._client("acm"))

    @cached_property
    def apigatewayv2(self) -> ApiGatewayV2Client:
        return cast("ApiGatewayV2Client", self._client("apigatewayv2"))

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        return cast("CloudFormationClient", self._client("cloudformation"))

    @cached_property
    def cloudfront(self) -> CloudFrontClient:
        return cast("CloudFrontClient", self._client("cloudfront"))

    @cached_property
    def cloudwatch(self) -> Any:
        """Two calls of it are used, and its type stubs are not installed for them."""
        return self._client("cloudwatch")

    @cached_property
    def ec2(self) -> EC2Client:
        return cast("EC2Client", self._client("ec2"))

    @cached_property
    def lambda_(self) -> LambdaClient:
        return cast("LambdaClient", self._client("lambda"))

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        return cast("CloudWatchLogsClient", self._client("logs"))

    @cached_property
    def route53(self) -> Route53Client:
        return cast("Route53Client", self._client("route53"))

    @cached_property
    def rds(self) -> RDSClient:
        return cast("RDSClient", self._client("rds"))

    @cached_property
    def s3(self) -> S3Client:
        return cast("S3Client", self._client("s3"))

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        return cast("SecretsManagerClient", self._client("secretsmanager"))

    @cached_property
    def sesv2(self) -> Any:
        """Of version 2 of the SES API; two calls of it are used, and its type stubs are not installed for them."""
        return self._client("sesv2")

    @cached_property
    def sns(self) -> Any:
        """One call of it is used, and its type stubs are not installed for it."""
        return self._client("sns")

    @cached_property
    def sqs(self) -> SQSClient:
        return cast("SQSClient", self._client("sqs"))

    @cached_property
    def ssm(self) -> SSMClient:
        return cast("SSMClient", self._client("ssm"))

    @cached_property
    def sts(self) -> STSClient:
        return cast("STSClient", self._client("sts"))

    @cached_property
    def account(self) -> str:
        """The account of the credentials, twelve digits. Raises PlanRefused if the target names another."""
        identity = self.sts.get_caller_identity()
        wanted = self.target.account if self.target.endpoint_url is None else None
        if wanted not in {None, identity["Account"]}:
            raise PlanRefused(
                f"The credentials belong to account {identity['Account']} ({identity['Arn']}), but general.account in"
                f" pocket.toml is {wanted}. Nothing was changed.",
                f"Use credentials of account {wanted}, for example with AWS_PROFILE, or change general.account.",
            )
        return identity["Account"]

    def invoker(self, timeout: int) -> LambdaClient:
        """A Lambda client that waits `timeout` seconds for a response and never retries."""
        more = {"read_timeout": timeout, "retries": {"total_max_attempts": 1}, "tcp_keepalive": True}
        return cast("LambdaClient", self._client("lambda", **more))

    @cached_property
    def _connections(self) -> Connections:
        # Imported when the first call is about to be made: it takes longer than the rest of a start, and meanwhile a
        # deploy's build has begun.
        from pocket.deploy.aws.connections import Connections

        return Connections(self.target)

    def _client(self, service: str, **more: Any) -> Any:
        if service != "sts" and self.target.account is not None and self.target.endpoint_url is None:
            _ = self.account
        return self._connections.client(service, **more)
