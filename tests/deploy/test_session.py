from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from deploying import deployable
from tiny_project import Recorder

from pocket.deploy.aws.account import account_id
from pocket.deploy.aws.session import Clients
from pocket.deploy.releases.deploy import deploy
from pocket.deploy.releases.plan import plan
from pocket.deploy.target import Credentials, Target
from pocket.errors import AWSCallFailed, PlanRefused


def test_the_local_aws_is_reached_with_any_aws_configuration_of_the_developer(
    target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("this is no configuration\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert len(account_id(Clients(target))) == 12


@pytest.fixture
def as_aws(target: Target, no_aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The local AWS plays AWS itself: the environment leads a target without an endpoint there."""
    keys = target.credentials
    assert keys is not None
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", target.endpoint_url or "")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_access_key)


def test_credentials_of_another_account_are_refused_before_any_other_call(as_aws: None) -> None:
    own = account_id(Clients(Target(region="eu-central-1")))
    declared = Target(region="eu-central-1", account=own)
    assert account_id(Clients(declared)) == own
    Clients(declared).lambda_.list_functions()
    other = replace(declared, account="999999999999")
    for service in ("cloudformation", "lambda_", "logs", "s3", "secretsmanager", "sqs", "ssm"):
        with pytest.raises(PlanRefused, match=f"belong to account {own} .*general.account in pocket.toml is 9{{12}}"):
            getattr(Clients(other), service)
    with pytest.raises(PlanRefused):
        Clients(other).invoker(5)
    with pytest.raises(PlanRefused) as caught:
        account_id(Clients(other))
    assert "AWS_PROFILE" in caught.value.hint


def test_credentials_of_another_account_are_refused_before_code_of_the_project_runs(
    as_aws: None, tmp_path: Path
) -> None:
    project = deployable(tmp_path)
    before = {*tmp_path.rglob("*")}
    elsewhere = Target("eu-central-1", account="999999999999", platform="host")
    for act in (deploy, plan):
        with pytest.raises(PlanRefused, match=r"general\.account in pocket\.toml is 9{12}"):
            act(project, project.stage("dev"), elsewhere, Recorder())
    assert {*tmp_path.rglob("*")} == before


def test_the_local_aws_has_its_own_account(target: Target) -> None:
    assert len(account_id(Clients(replace(target, account="999999999999")))) == 12


def test_no_credentials_is_one_clear_error(no_aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(AWSCallFailed, match="sts GetCallerIdentity could not be called: Unable to locate credentials"):
        account_id(Clients(Target(region="eu-central-1")))


def test_a_profile_that_is_missing_is_named(no_aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    with pytest.raises(AWSCallFailed, match="not-there") as caught:
        account_id(Clients(Target(region="eu-central-1")))
    assert "AWS_PROFILE" in caught.value.hint


def test_an_endpoint_without_a_server_is_an_error_of_pockets() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        clients = Clients(Target(region="eu-central-1", endpoint_url=url, credentials=Credentials("a", "b")))
        with pytest.raises(AWSCallFailed, match="lambda Invoke could not be called"):
            clients.invoker(5).invoke(FunctionName="f")


def test_pages_and_transfers_raise_errors_of_pockets(clients: Clients, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(AWSCallFailed, match="NoSuchBucket") as caught:
        list(clients.s3.get_paginator("list_objects_v2").paginate(Bucket="nobody-has-this"))
    assert caught.value.operation == "ListObjectsV2"
    with pytest.raises(AWSCallFailed, match="nobody-has-this"):
        clients.s3.upload_file(str(tmp_path / "file"), "nobody-has-this", "key")


def test_an_error_has_no_traceback_of_botocore(clients: Clients) -> None:
    with pytest.raises(AWSCallFailed) as caught:
        clients.secretsmanager.get_secret_value(SecretId="missing")
    assert caught.value.code == "ResourceNotFoundException"
    assert caught.value.__suppress_context__
