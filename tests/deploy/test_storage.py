from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from deploying import FULL, inputs, project
from hypothesis import given
from hypothesis import strategies as st

from pocket.config import StageConfig
from pocket.deploy.template import render_storage
from pocket.deploy.template.permissions import statements
from pocket.deploy.template.storage import artifact_bucket_name, object_prefix

ACCOUNT = "123456789012"


def resources(folder: Path, pocket_toml: str = FULL) -> dict[str, Any]:
    found: dict[str, Any] = render_storage(project(folder, pocket_toml).stage("dev"), ACCOUNT).body["Resources"]
    return found


def test_a_public_directory_is_the_prefix_that_its_storage_writes_to(tmp_path: Path) -> None:
    policy = resources(tmp_path)["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"]
    public = [item["Fn::Sub"] for item in policy]
    readable = next(item for item in statements(inputs(project(tmp_path)), "web") if item["Sid"] == "ReadObjects")
    assert public[0] in [item["Fn::Sub"] for item in readable["Resource"]]
    assert public[1].endswith(":::pocket-dev-full/open/files/*")


def test_without_public_directories_nothing_can_be_made_public(tmp_path: Path) -> None:
    found = resources(tmp_path, FULL.replace('public_dirs = ["static", "open/files"]', ""))
    assert "BucketPolicy" not in found
    for bucket in ("Bucket", "ArtifactBucket"):
        assert set(found[bucket]["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


def test_no_object_is_ever_made_public_by_an_acl(tmp_path: Path) -> None:
    for bucket in ("Bucket", "ArtifactBucket"):
        properties = resources(tmp_path)[bucket]["Properties"]
        assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert properties["PublicAccessBlockConfiguration"]["IgnorePublicAcls"] is True


def test_uploads_outlive_a_changed_file_and_a_replaced_bucket(tmp_path: Path) -> None:
    bucket = resources(tmp_path)["Bucket"]
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["UpdateReplacePolicy"] == "Retain"


def test_a_stage_without_s3_has_a_bucket_for_artifacts_alone(tmp_path: Path) -> None:
    without = FULL.replace('[s3]\npublic_dirs = ["static", "open/files"]', "").split("[awscontainer.django.storages]")[
        0
    ]
    assert resources(tmp_path, without).keys() == {"ArtifactBucket"}


def test_artifact_buckets_of_two_accounts_differ(tmp_path: Path) -> None:
    stage = project(tmp_path).stage("dev")
    assert artifact_bucket_name(stage, ACCOUNT) != artifact_bucket_name(stage, "210987654321")


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,80}[a-z0-9]", fullmatch=True))
def test_an_artifact_buckets_name_is_one_that_s3_accepts(project_name: str) -> None:
    name = artifact_bucket_name(_named(project_name), ACCOUNT)
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name)


def _named(project_name: str) -> StageConfig:
    from pocket.config.tables.general import General

    general = General(region="eu-central-1", stages=["dev"], project_name=project_name)
    return StageConfig("dev", Path("/"), general, None, None)


@given(st.text("abc/", max_size=8))
def test_a_prefix_ends_with_one_slash_or_is_empty(location: str) -> None:
    prefix = object_prefix(location)
    assert prefix == "" or re.fullmatch(r"[^/].*[^/]/|[^/]/", prefix)
    assert object_prefix(prefix) == prefix


def test_no_location_is_the_whole_bucket() -> None:
    assert object_prefix(None) == object_prefix("/") == ""
