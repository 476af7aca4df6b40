from __future__ import annotations

from pathlib import Path

import pytest
from deploying import SMALL, Voice, deployable

from pocket.deploy.aws.session import Clients
from pocket.deploy.operate.destroy import destroy
from pocket.deploy.releases import deploy as release
from pocket.deploy.stacks.stack import find
from pocket.deploy.target import Target
from pocket.errors import AWSCallFailed
from pocket.local import LocalAWS

TEXT = SMALL.replace('"small"', '"doomed"').replace(
    "[awscontainer.secretsmanager.pocket_secrets]",
    '[awscontainer.secretsmanager]\nsecrets = { API_KEY = "their/own" }\n[awscontainer.secretsmanager.pocket_secrets]',
)


def test_nothing_of_a_stage_is_left_but_the_users_own_secrets(
    tmp_path: Path, target: Target, clients: Clients, local_aws: LocalAWS
) -> None:
    found = deployable(tmp_path, TEXT)
    stage = found.stage("dev")
    clients.secretsmanager.create_secret(Name="their/own", SecretString="x")
    release.deploy(found, stage, target, Voice(), skip_gates=["project"], published=local_aws.route)
    clients.s3.put_bucket_versioning(Bucket="pocket-dev-doomed", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        clients.s3.put_object(Bucket="pocket-dev-doomed", Key="media/a", Body=body)
    clients.s3.delete_object(Bucket="pocket-dev-doomed", Key="media/a")

    removed = destroy(stage, target, Voice())

    assert removed.kept == ("secret their/own, which is your own",)
    assert find(clients, "pocket-dev-doomed") is None
    assert find(clients, "pocket-dev-doomed-storage") is None
    left = [item["Name"] for item in clients.s3.list_buckets()["Buckets"] if "doomed" in item["Name"]]
    assert left == []
    assert clients.logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/pocket-dev-doomed")["logGroups"] == []
    with pytest.raises(AWSCallFailed, match="ResourceNotFoundException"):
        clients.secretsmanager.get_secret_value(SecretId="pocket-dev-doomed")
    assert clients.secretsmanager.get_secret_value(SecretId="their/own")["SecretString"] == "x"
    assert "stack pocket-dev-doomed" in removed.removed
    assert "secret pocket-dev-doomed" in removed.removed


def test_removing_what_is_not_there_removes_nothing(tmp_path: Path, target: Target) -> None:
    stage = deployable(tmp_path, SMALL.replace('"small"', '"never"')).stage("dev")
    assert destroy(stage, target, Voice()).removed == ()


def test_a_bucket_that_no_storage_stack_claims_is_left_alone(tmp_path: Path, target: Target, clients: Clients) -> None:
    clients.s3.create_bucket(
        Bucket="pocket-dev-someones", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    stage = deployable(tmp_path, SMALL.replace('"small"', '"someones"')).stage("dev")
    destroy(stage, target, Voice())
    assert clients.s3.list_objects_v2(Bucket="pocket-dev-someones")["KeyCount"] == 0
