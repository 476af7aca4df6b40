"""`pocket secrets` on the local AWS: what is set, what is deleted, and what is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deploying import SMALL, PlanRecorder, project

from pocket.config import StageConfig
from pocket.deploy.aws.account import account_id
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import stage_secrets
from pocket.deploy.stacks import secrets
from pocket.deploy.stacks.bucket import delete as delete_bucket
from pocket.deploy.stacks.lock import Lock
from pocket.deploy.stacks.secret_stores import place_of, store_at
from pocket.deploy.target import Target
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.errors import DeployError

OWN = """
[awscontainer.secretsmanager.secrets]
DATABASE_URL = "{prefix}/database-url"
MAIL_USER = "{prefix}/mail#user"
MAIL_PASSWORD = "{prefix}/mail#password"
"""


@pytest.fixture(params=["secretsmanager", "ssm"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> StageConfig:
    """A stage with a generated secret and three of the user's own, in places of the test's own."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)[:60]
    text = SMALL[: SMALL.index("[awscontainer.secretsmanager.pocket_secrets]")]
    text += f'[awscontainer.secretsmanager]\nstore = "{request.param}"\npocket_key_format = "{{stage}}-{name}"\n'
    text += '[awscontainer.secretsmanager.pocket_secrets]\nSECRET_KEY = { type = "password" }\n'
    return project(tmp_path, text + OWN.format(prefix=f"/{name}")).stage("dev")


def put(stage: StageConfig, target: Target, name: str, value: str) -> None:
    stage_secrets.put(stage, target, {name: value}, PlanRecorder())


def remove(stage: StageConfig, target: Target, name: str) -> str:
    return stage_secrets.remove(stage, target, stage_secrets.variable(stage, name))


def rotate(stage: StageConfig, target: Target, name: str) -> tuple[str, ...]:
    return stage_secrets.rotate(stage, target, stage_secrets.variable(stage, name), PlanRecorder())


def test_values_that_are_set_are_read_back(stage: StageConfig, target: Target) -> None:
    assert stage_secrets.values(stage, target) == {}
    given = {"DATABASE_URL": "postgres://h/n", "MAIL_USER": "u", "MAIL_PASSWORD": "p"}
    for name, value in given.items():
        put(stage, target, name, value)
    assert stage_secrets.values(stage, target) == given
    put(stage, target, "DATABASE_URL", "postgres://h/other")
    put(stage, target, "MAIL_USER", "w")
    changed = {"DATABASE_URL": "postgres://h/other", "MAIL_USER": "w", "MAIL_PASSWORD": "p"}
    assert stage_secrets.values(stage, target) == changed


def test_entries_name_the_place_and_never_the_value(stage: StageConfig) -> None:
    found = {item.variable: item for item in stage_secrets.entries(stage)}
    assert list(found) == ["SECRET_KEY", "DATABASE_URL", "MAIL_USER", "MAIL_PASSWORD"]
    assert found["SECRET_KEY"].generated
    assert not found["DATABASE_URL"].generated
    assert found["MAIL_USER"].place.endswith("/mail#user")


def test_what_was_set_here_can_be_deleted(stage: StageConfig, target: Target) -> None:
    put(stage, target, "DATABASE_URL", "postgres://h/n")
    removed = remove(stage, target, "DATABASE_URL")
    assert "database-url" in removed
    if stage.secretsmanager.store == "ssm":
        assert removed.endswith("which AWS cannot restore")
        assert stage_secrets.values(stage, target) == {}
    else:
        with pytest.raises(DeployError, match="scheduled for deletion") as caught:
            put(stage, target, "DATABASE_URL", "postgres://h/n")
        assert "restore-secret --region eu-central-1 --secret-id" in caught.value.hint


def test_what_pocket_did_not_create_is_changed_but_never_deleted(
    stage: StageConfig, target: Target, clients: Clients
) -> None:
    name = stage_secrets.variable(stage, "DATABASE_URL").secret_id
    if stage.secretsmanager.store == "ssm":
        clients.ssm.put_parameter(Name=name, Value="postgres://h/mine", Type="SecureString")
    else:
        clients.secretsmanager.create_secret(Name=name, SecretString="postgres://h/mine")
    put(stage, target, "DATABASE_URL", "postgres://h/new")
    with pytest.raises(DeployError, match="did not create"):
        remove(stage, target, "DATABASE_URL")
    assert stage_secrets.values(stage, target)["DATABASE_URL"] == "postgres://h/new"


def test_one_key_of_a_secret_is_not_deleted_with_the_others(stage: StageConfig, target: Target) -> None:
    put(stage, target, "MAIL_USER", "u")
    put(stage, target, "MAIL_PASSWORD", "p")
    with pytest.raises(DeployError, match="alone"):
        remove(stage, target, "MAIL_USER")


def test_a_secret_that_is_not_an_object_has_no_key_and_is_not_overwritten(
    stage: StageConfig, target: Target, clients: Clients
) -> None:
    name = stage_secrets.variable(stage, "MAIL_USER").secret_id
    if stage.secretsmanager.store == "ssm":
        clients.ssm.put_parameter(Name=name, Value="hush", Type="SecureString")
    else:
        clients.secretsmanager.create_secret(Name=name, SecretString="hush")
    with pytest.raises(DeployError, match="not a JSON object") as caught:
        put(stage, target, "MAIL_USER", "u")
    assert "hush" not in str(caught.value)


def test_a_generated_secret_rotates_and_stays_pockets_own(stage: StageConfig, target: Target, clients: Clients) -> None:
    secrets.carry_out(clients, stage, secrets.plan(clients, stage), PlanRecorder())
    before = stage_secrets.values(stage, target)["SECRET_KEY"]
    changed = rotate(stage, target, "SECRET_KEY")
    after = stage_secrets.values(stage, target)["SECRET_KEY"]
    assert changed == ("SECRET_KEY",)
    assert before != after
    assert len(after) == 50
    assert not secrets.plan(clients, stage).changes
    if stage.secretsmanager.store == "secretsmanager":
        text = clients.secretsmanager.get_secret_value(SecretId=stage.pocket_key)["SecretString"]
        assert json.loads(text)["_generated_by_pocket"] == ["SECRET_KEY"]


def test_a_value_rotated_before_the_first_deploy_is_pockets_own(
    stage: StageConfig, target: Target, clients: Clients
) -> None:
    rotate(stage, target, "SECRET_KEY")
    secrets.carry_out(clients, stage, secrets.plan(clients, stage), PlanRecorder())
    found = store_at(clients, stage, place_of(stage)).contents(["SECRET_KEY"])
    assert [name.rpartition("/")[2] for name in found.own] == ["SECRET_KEY"]
    assert found.others == ()


def test_keys_of_one_secret_are_written_at_once_and_under_the_lock(
    stage: StageConfig, target: Target, clients: Clients
) -> None:
    bucket = artifact_bucket_name(stage, account_id(clients))
    clients.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    given = {"MAIL_USER": "u", "MAIL_PASSWORD": "p"}
    try:
        with Lock(clients, "dev", "deploy", PlanRecorder()) as lock:
            lock.take(bucket)
            for change in (
                lambda: stage_secrets.put(stage, target, given, PlanRecorder()),
                lambda: rotate(stage, target, "SECRET_KEY"),
            ):
                with pytest.raises(DeployError, match="running `pocket deploy`"):
                    change()
        assert stage_secrets.values(stage, target) == {}
        stage_secrets.put(stage, target, given, PlanRecorder())
    finally:
        delete_bucket(clients, bucket, account_id(clients))
    if stage.secretsmanager.store == "secretsmanager":
        name = stage_secrets.variable(stage, "MAIL_USER").secret_id
        (versions,) = [clients.secretsmanager.list_secret_version_ids(SecretId=name)["Versions"]]
        assert len(versions) == 1
    assert stage_secrets.values(stage, target) == given


def test_only_generated_secrets_rotate_and_only_others_are_deleted(stage: StageConfig, target: Target) -> None:
    with pytest.raises(DeployError, match="not generated by Pocket"):
        rotate(stage, target, "MAIL_USER")
    with pytest.raises(DeployError, match="is generated"):
        remove(stage, target, "SECRET_KEY")


def test_an_undeclared_name_is_refused_with_what_to_add(stage: StageConfig) -> None:
    with pytest.raises(DeployError, match="Declared: SECRET_KEY, DATABASE_URL") as caught:
        stage_secrets.variable(stage, "API_TOKEN")
    assert "[awscontainer.secretsmanager.secrets]" in caught.value.hint
