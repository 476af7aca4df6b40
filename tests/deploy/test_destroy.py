from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deploying import SMALL, PlanRecorder, deployable

from pocket.deploy.aws.account import account_id
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate.destroy import Removal, destroy
from pocket.deploy.releases import deploy as release
from pocket.deploy.stacks import bucket
from pocket.deploy.stacks.lock import holder
from pocket.deploy.stacks.stack import find
from pocket.deploy.target import Target
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.errors import PlanRefused
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
    release.deploy(found, stage, target, PlanRecorder(), skip_gates=["project"], published=local_aws.route)
    clients.s3.put_bucket_versioning(Bucket="pocket-dev-doomed", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        clients.s3.put_object(Bucket="pocket-dev-doomed", Key="media/a", Body=body)
    clients.s3.delete_object(Bucket="pocket-dev-doomed", Key="media/a")

    removed = destroy(stage, target, PlanRecorder())

    assert removed.kept == ("secret their/own, which Pocket did not generate",)
    assert find(clients, "pocket-dev-doomed") is None
    assert find(clients, "pocket-dev-doomed-storage") is None
    left = [item["Name"] for item in clients.s3.list_buckets()["Buckets"] if "doomed" in item["Name"]]
    assert left == []
    assert clients.logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/pocket-dev-doomed")["logGroups"] == []
    assert "DeletedDate" in clients.secretsmanager.describe_secret(SecretId="pocket-dev-doomed"), "for a while"
    assert clients.secretsmanager.get_secret_value(SecretId="their/own")["SecretString"] == "x"
    assert "stack pocket-dev-doomed" in removed.removed
    assert any(line.startswith("secret pocket-dev-doomed with SECRET_KEY; for 30 days") for line in removed.removed)


def test_removing_what_is_not_there_removes_nothing(tmp_path: Path, target: Target) -> None:
    stage = deployable(tmp_path, SMALL.replace('"small"', '"never"')).stage("dev")
    assert destroy(stage, target, PlanRecorder()).removed == ()


def test_a_bucket_of_no_storage_stack_is_not_removed(tmp_path: Path, target: Target, clients: Clients) -> None:
    clients.s3.create_bucket(
        Bucket="pocket-dev-someones", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    stage = deployable(tmp_path, SMALL.replace('"small"', '"someones"')).stage("dev")
    destroy(stage, target, PlanRecorder())
    assert clients.s3.list_objects_v2(Bucket="pocket-dev-someones")["KeyCount"] == 0


def test_the_removal_is_shown_first_and_a_no_removes_nothing(
    tmp_path: Path, target: Target, clients: Clients, local_aws: LocalAWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = deployable(tmp_path, TEXT.replace('"doomed"', '"spared"'))
    stage = found.stage("dev")
    release.deploy(found, stage, target, PlanRecorder(), skip_gates=["project"], published=local_aws.route)
    clients.s3.put_object(Bucket="pocket-dev-spared", Key="media/a", Body=b"1")
    seen: list[Removal] = []
    locked = artifact_bucket_name(stage, account_id(clients))

    def counted(clients: Clients, name: str, account: str) -> int:
        assert holder(clients, locked) is not None, "what is removed is read under the lock"
        return 1

    monkeypatch.setattr(bucket, "count", counted)

    def decline(removal: Removal) -> bool:
        seen.append(removal)
        return False

    with pytest.raises(PlanRefused, match="Nothing of stage 'dev' was removed"):
        destroy(stage, target, PlanRecorder(), confirm=decline)
    (removal,) = seen
    assert removal.place == f"the local AWS at {target.endpoint_url}"
    lines = list(removal.lines())
    assert lines[:2] == ["stack pocket-dev-spared", "stack pocket-dev-spared-storage"]
    assert "bucket pocket-dev-spared with its objects (1)" in lines
    assert lines[-1] == "SECRET_KEY in the secret pocket-dev-spared"
    assert find(clients, "pocket-dev-spared") is not None
    assert destroy(stage, target, PlanRecorder()).removed


def test_the_recorded_bucket_is_removed_and_not_the_one_in_the_file(
    tmp_path: Path, target: Target, clients: Clients, local_aws: LocalAWS
) -> None:
    text = TEXT.replace('"doomed"', '"edited"')
    found = deployable(tmp_path, text)
    release.deploy(found, found.stage("dev"), target, PlanRecorder(), skip_gates=["project"], published=local_aws.route)
    clients.s3.create_bucket(
        Bucket="pocket-dev-somebodys", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    clients.s3.put_object(Bucket="pocket-dev-somebodys", Key="precious", Body=b"1")
    edited = deployable(tmp_path, text.replace("[s3]", '[s3]\nbucket_name_format = "{prefix}{stage}-somebodys"')).stage(
        "dev"
    )
    removed = destroy(edited, target, PlanRecorder()).removed
    assert any(line.startswith("bucket pocket-dev-edited ") for line in removed)
    left = {item["Name"] for item in clients.s3.list_buckets()["Buckets"]}
    assert "pocket-dev-edited" not in left
    assert clients.s3.get_object(Bucket="pocket-dev-somebodys", Key="precious")["Body"].read() == b"1"


def test_an_interruption_shows_what_is_removed_and_what_is_not(
    tmp_path: Path, target: Target, local_aws: LocalAWS
) -> None:
    found = deployable(tmp_path, TEXT.replace('"doomed"', '"halved"'))
    stage = found.stage("dev")
    release.deploy(found, stage, target, PlanRecorder(), skip_gates=["project"], published=local_aws.route)

    class Pressed(PlanRecorder):
        @contextmanager
        def step(self, name: str) -> Iterator[None]:
            if name == "Remove bucket pocket-dev-halved":
                raise KeyboardInterrupt
            with super().step(name):
                yield

    recorder = Pressed()
    with pytest.raises(KeyboardInterrupt):
        destroy(stage, target, recorder)
    assert "Removed: stack pocket-dev-halved." in recorder.notes
    assert recorder.notes[-1].startswith("Not removed, or only in part: bucket pocket-dev-halved; ")
    assert destroy(stage, target, PlanRecorder()).removed
