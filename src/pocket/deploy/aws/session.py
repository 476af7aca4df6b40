"""boto3 clients for a target; all their errors are Pocket's.

A target with an endpoint of its own is the local AWS, for which the developer's AWS configuration, profile and proxies
are ignored.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, cast

from boto3.session import Session
from botocore.config import Config
from botocore.loaders import Loader, create_loader
from botocore.session import Session as BotocoreSession

from pocket.deploy.aws.botocore_errors import translated
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

    from pocket.deploy.target import Target

ATTEMPTS = 5
"""How often a call is tried if AWS is slow, throttles or has an error of its own."""

_NO_FILES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def configured_region() -> str | None:
    """The region of the environment or of the AWS CLI's profile; None if neither has one."""
    return os.environ.get("AWS_REGION") or Session().region_name


@cache
def _loader(more: str | None) -> Loader:
    """botocore's reader of the descriptions of services, which keeps what it has read: shared by all sessions.

    `more` is where the user has further ones.
    """
    return create_loader(more)


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
        config = Config(read_timeout=timeout, retries={"total_max_attempts": 1}, tcp_keepalive=True)
        return cast("LambdaClient", self._client("lambda", config))

    @cached_property
    def _session(self) -> Session:
        keys = self.target.credentials
        with_files = BotocoreSession() if self.target.endpoint_url is None else BotocoreSession(session_vars=_NO_FILES)
        with_files.register_component("data_loader", _loader(with_files.get_config_variable("data_path")))
        if keys is None:
            return Session(botocore_session=with_files, region_name=self.target.region)
        return Session(
            botocore_session=with_files,
            region_name=self.target.region,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
        )

    def _client(self, service: str, more: Config | None = None) -> _Translating:
        if service != "sts" and self.target.account is not None and self.target.endpoint_url is None:
            _ = self.account
        config = Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            user_agent_extra="pocket",
        )
        if self.target.endpoint_url is not None:
            config = config.merge(Config(proxies={}, s3={"addressing_style": "path"}))
        if more is not None:
            config = config.merge(more)
        with translated(service, "client"):
            client: Any = self._session.client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.target.endpoint_url,
                config=config,
            )
        return _Translating(client, service)


class _Translating:
    """A client or paginator whose methods, paginators and pages raise AWSCallFailed."""

    def __init__(self, wrapped: Any, service: str, operation: str = "") -> None:
        self._wrapped = wrapped
        self._service = service
        self._operation = operation

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._wrapped, name)
        return self._calling(found, name) if callable(found) and name != "exceptions" else found

    def _calling(self, method: Callable[..., Any], name: str) -> Callable[..., Any]:
        mapping = getattr(getattr(self._wrapped, "meta", None), "method_to_api_mapping", {})
        operation = self._operation or mapping.get(name, "".join(word.capitalize() for word in name.split("_")))

        def call(*arguments: Any, **named: Any) -> Any:
            with translated(self._service, operation):
                answer = method(*arguments, **named)
            if name in {"get_paginator", "get_waiter"}:
                wanted = arguments[0] if arguments else next(iter(named.values()))
                return _Translating(answer, self._service, mapping.get(wanted, wanted))
            return self._pages(answer) if name == "paginate" else answer

        return call

    def _pages(self, pages: Any) -> Iterator[Any]:
        with translated(self._service, self._operation):
            yield from pages
