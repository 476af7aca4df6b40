"""A running local AWS for the tests of this folder, with clients that use it."""

import io
import json
import platform
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from rest_api import make_rest_api

from pocket.local import LocalAWS, start

RUNTIME = "python" + ".".join(platform.python_version_tuple()[:2])


def zip_of(files: dict[str, str]) -> bytes:
    """A deployment package of text files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


class Cloud:
    """boto3 clients and the few steps that several tests share."""

    def __init__(self, local: LocalAWS) -> None:
        self.local = local
        self._session = boto3.Session(local.access_key_id, local.secret_access_key, region_name="ap-northeast-1")

    def client(self, service: str, **options: Any) -> Any:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
        return self._session.client(service, endpoint_url=self.local.endpoint_url, config=config, **options)

    def role(self, name: str, *statements: dict[str, Any]) -> str:
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
        return arn

    def function(self, name: str, source: str, *, role: str = "", **options: Any) -> str:
        """The ARN of a new function whose module is `source` and whose handler is its `handler`."""
        settings = {"Runtime": RUNTIME, "Handler": "app.handler", "Timeout": 10, **options}
        created = self.client("lambda").create_function(
            FunctionName=name,
            Role=role or self.role(f"{name}-role"),
            Code={"ZipFile": zip_of({"app.py": source})},
            **settings,
        )
        arn: str = created["FunctionArn"]
        return arn

    def invoke(self, name: str, event: Any = None) -> tuple[Any, str | None]:
        """The payload and, where the function failed, the kind of failure."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    def call(self, source: str, event: Any = None, **options: Any) -> Any:
        """What a new function of `source` returns for `event`."""
        name = f"f{abs(hash(source)) % 10**9}"
        self.function(name, source, **options)
        payload, failed = self.invoke(name, event)
        assert not failed, payload
        return payload

    def http_api(self, name: str, function_arn: str, stage: str = "$default", **options: Any) -> str:
        """The id of an HTTP API that sends everything to the function."""
        gateway = self.client("apigatewayv2")
        identity: str = gateway.create_api(Name=name, ProtocolType="HTTP", **options)["ApiId"]
        integration = gateway.create_integration(
            ApiId=identity, IntegrationType="AWS_PROXY", IntegrationUri=function_arn, PayloadFormatVersion="2.0"
        )
        target = f"integrations/{integration['IntegrationId']}"
        gateway.create_route(ApiId=identity, RouteKey="$default", Target=target)
        gateway.create_stage(ApiId=identity, StageName=stage, AutoDeploy=True)
        return identity

    def rest_api(self, name: str, function_arn: str) -> str:
        """The id of a REST API that sends everything, as bytes, to the function, in the stage `prod`."""
        return make_rest_api(self.client("apigateway"), name, function_arn)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with start(tmp_path_factory.mktemp("project"), ["web", "api"]) as local:
        yield Cloud(local)


@pytest.fixture
def project(tmp_path: Path, cloud: Cloud) -> Path:
    """A project of its own whose Python environments are the session's, since these take longest to make."""
    state = tmp_path / ".pocket" / "local"
    state.mkdir(parents=True)
    for environment in ("ministack", "python"):
        (state / environment).symlink_to(cloud.local.state_dir / environment)
    return tmp_path


@pytest.fixture(scope="session")
def make_cloud() -> Callable[[LocalAWS], Cloud]:
    return Cloud


@pytest.fixture(scope="session")
def package() -> Callable[[dict[str, str]], bytes]:
    return zip_of


@pytest.fixture(scope="session")
def runtime() -> str:
    """The Lambda runtime of the Python that runs the tests."""
    return RUNTIME
