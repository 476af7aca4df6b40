from __future__ import annotations

import ast
import inspect
import re
import string
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import boto3
import boto3.exceptions
import botocore.exceptions
import pytest
import s3transfer.exceptions
from botocore.exceptions import ClientError, NoCredentialsError, ParamValidationError

import pocket
from pocket.deploy.aws.botocore_errors import TRANSLATED, translate, translated
from pocket.errors import AWSCallFailed

MODULES = (botocore.exceptions, boto3.exceptions, s3transfer.exceptions)


def raised(module: ModuleType) -> list[type[Exception]]:
    """Every error, warnings aside, that the module defines."""
    found = (item for _, item in inspect.getmembers(module, inspect.isclass) if item.__module__ == module.__name__)
    return [item for item in found if issubclass(item, Exception) and not issubclass(item, Warning)]


def made(kind: type[Exception]) -> Exception:
    """An instance, with a text for each field that its message has."""
    if issubclass(kind, ClientError):
        return kind({"Error": {"Code": "Odd", "Message": "odd"}}, "DoThing")
    fields = [name for _, name, _, _ in string.Formatter().parse(getattr(kind, "fmt", "")) if name]
    extra = {"S3UploadFailedError": ("odd",), "RetriesExceededError": (ValueError("odd"),)}
    arguments: Any = extra.get(kind.__name__, ())
    try:
        return kind(*arguments, **dict.fromkeys(fields, "odd"))
    except TypeError:
        return kind("service", "operation", "known", "more") if len(fields) == 0 else kind("odd")


EVERY = [kind for module in MODULES for kind in raised(module)]


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_error_of_the_vendors_is_translated(kind: type[Exception]) -> None:
    assert issubclass(kind, TRANSLATED)
    found = translate(kind.__new__(kind) if not issubclass(kind, ClientError) else made(kind), "s3", "PutObject")
    assert type(found) is AWSCallFailed
    assert found.message.startswith("s3 PutObject ")
    assert (found.service, found.operation) == ("s3", "PutObject")
    assert found.code


def refused(code: str, message: str = "no", operation: str = "CreateStack") -> AWSCallFailed:
    return translate(ClientError({"Error": {"Code": code, "Message": message}}, operation), "cloudformation", operation)


def test_missing_credentials_come_with_the_ways_to_give_them() -> None:
    found = translate(NoCredentialsError(), "sts", "GetCallerIdentity")
    assert "Unable to locate credentials" in found.message
    assert "aws configure sso" in found.hint
    assert "AWS_ACCESS_KEY_ID" in found.hint


@pytest.mark.parametrize(
    "code",
    ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException"],
)
def test_an_expired_session_has_a_hint_to_sign_in(code: str) -> None:
    assert "aws sso login" in refused(code).hint


@pytest.mark.parametrize("kind", ["UnauthorizedSSOTokenError", "LoginRefreshRequired", "CredentialRetrievalError"])
def test_a_session_that_botocore_cannot_renew_has_a_hint_to_sign_in(kind: str) -> None:
    found = translate(made(getattr(botocore.exceptions, kind)), "sts", "GetCallerIdentity")
    assert "aws sso login" in found.hint


@pytest.mark.parametrize("kind", ["EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "SSLError"])
def test_an_endpoint_out_of_reach_points_at_network_and_region(kind: str) -> None:
    found = translate(made(getattr(botocore.exceptions, kind)), "s3", "PutObject")
    assert "general.region" in found.hint


def test_a_denied_call_names_the_action_that_aws_named() -> None:
    output = (
        "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:PassRole on resource: x because no "
        "identity-based policy allows the iam:PassRole action"
    )
    found = refused("AccessDenied", output)
    assert "not allowed: iam:PassRole" in found.message
    assert "Allow iam:PassRole" in found.hint
    assert "https://django-pocket.readthedocs.io/reference/deployer-permissions/" in found.hint


def test_a_refused_upload_has_the_code_and_the_hint_of_the_call_that_was_refused(tmp_path: Path) -> None:
    s3 = boto3.client("s3", region_name="eu-central-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="x")
    refusal = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")
    s3.meta.events.register("before-call.s3.PutObject", Mock(side_effect=refusal))
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(AWSCallFailed) as caught, translated("s3", "UploadFile"):
        s3.upload_file(str(tmp_path / "file"), "bucket", "key")
    assert (caught.value.code, caught.value.operation) == ("AccessDenied", "PutObject")
    assert caught.value.hint.startswith("Allow s3:PutObject to the user or role that deploys.")


def test_a_denied_call_names_its_own_action_if_aws_does_not() -> None:
    assert "not allowed: cloudformation:CreateStack" in refused("AccessDenied", "Access Denied").message


@pytest.mark.parametrize("operation", ["CreateSecret", "PutSecretValue", "PutParameter"])
def test_what_was_sent_as_a_secret_is_never_quoted(operation: str) -> None:
    secret = "s3cr3t-v4lue"
    by_aws = translate(
        ClientError({"Error": {"Code": "ValidationException", "Message": f"Value '{secret}' is"}}, operation),
        "ssm",
        operation,
    )
    by_botocore = translate(ParamValidationError(report=f"Invalid type, value: {secret}"), "ssm", operation)
    assert secret not in str(by_aws) + str(by_botocore)
    assert "ValidationException" in by_aws.message


def test_throttling_has_its_own_hint() -> None:
    assert "wait a minute" in refused("ThrottlingException").hint


def test_each_command_of_the_aws_cli_that_is_printed_names_its_region() -> None:
    commands = re.compile(r"aws (?:secretsmanager|ssm|logs|cloudformation|rds|acm|ec2|sesv2|s3 mb)[^`.]*")
    found = []
    for path in Path(pocket.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
            found += [(path.name, command) for command in commands.findall(text) if " --" in command]
    assert len(found) >= 8
    assert [item for item in found if "--region" not in item[1]] == []
