from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from deploying import EVENTS, FULL, inputs, project
from hypothesis import given
from hypothesis import strategies as st

from pocket.config import StageConfig
from pocket.deploy.template import render_storage
from pocket.deploy.template.body import Template
from pocket.deploy.template.permissions import statements
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.deploy.template.storage_steps import before_functions, storage_candidate, storage_settled
from pocket.naming import key_prefix

ACCOUNT = "123456789012"


def resources(folder: Path, pocket_toml: str = FULL) -> dict[str, Any]:
    found: dict[str, Any] = render_storage(project(folder, pocket_toml).stage("dev"), ACCOUNT).body["Resources"]
    return found


def policy(found: dict[str, Any], bucket: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = found[f"{bucket}Policy"]["Properties"]["PolicyDocument"]["Statement"]
    return statements


def test_a_public_directory_is_the_prefix_that_its_storage_writes_to(tmp_path: Path) -> None:
    policy = resources(tmp_path)["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"]
    public = [item["Fn::Sub"] for item in policy]
    readable = next(item for item in statements(inputs(project(tmp_path)), "web") if item["Sid"] == "ReadObjects")
    assert public[0] in [item["Fn::Sub"] for item in readable["Resource"]]
    assert public[1].endswith(":::pocket-dev-full/open/files/*")


def test_without_public_directories_nothing_can_be_made_public(tmp_path: Path) -> None:
    found = resources(tmp_path, FULL.replace('public_dirs = ["static", "open/files"]', ""))
    assert [item["Effect"] for item in policy(found, "Bucket")] == ["Deny"]
    assert "CorsConfiguration" not in found["Bucket"]["Properties"]
    for bucket in ("Bucket", "ArtifactBucket"):
        assert set(found[bucket]["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


def test_no_object_is_ever_made_public_by_an_acl(tmp_path: Path) -> None:
    for bucket in ("Bucket", "ArtifactBucket"):
        properties = resources(tmp_path)[bucket]["Properties"]
        assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert properties["PublicAccessBlockConfiguration"]["IgnorePublicAcls"] is True


@pytest.mark.parametrize("bucket", ["Bucket", "ArtifactBucket"])
def test_a_bucket_refuses_requests_without_tls(tmp_path: Path, bucket: str) -> None:
    [statement] = [item for item in policy(resources(tmp_path), bucket) if item["Effect"] == "Deny"]
    assert (statement["Principal"], statement["Action"]) == ("*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    objects, itself = sorted(item["Fn::Sub"] for item in statement["Resource"])[::-1]
    assert objects == f"{itself}/*"


def test_pages_of_other_sites_may_use_fonts_and_scripts_of_the_public_directories(tmp_path: Path) -> None:
    [rule] = resources(tmp_path)["Bucket"]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == ["*"]
    assert set(rule["AllowedMethods"]) == {"GET", "HEAD"}, "nothing that writes"


def test_what_was_overwritten_or_deleted_is_kept_for_a_while_and_not_for_ever(tmp_path: Path) -> None:
    found = resources(tmp_path)
    properties = found["Bucket"]["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert [rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in rules[1:]] == [30]
    assert "VersioningConfiguration" not in found["ArtifactBucket"]["Properties"], (
        "a key there has one content for ever"
    )


def test_uploads_outlive_a_changed_file_and_a_replaced_bucket(tmp_path: Path) -> None:
    bucket = resources(tmp_path)["Bucket"]
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_notifies_the_live_function_of_what_its_events_name(tmp_path: Path) -> None:
    found = resources(tmp_path, EVENTS)["Bucket"]["Properties"]["NotificationConfiguration"]["LambdaConfigurations"]
    assert [item["Event"] for item in found] == ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"]
    for item in found:
        assert item["Function"]["Fn::Sub"].endswith(":function:pocket-dev-full-thumbnails:live")
        rules = [{"Name": "prefix", "Value": "media/"}, {"Name": "suffix", "Value": ".jpg"}]
        assert item["Filter"] == {"S3Key": {"Rules": rules}}
    assert "NotificationConfiguration" not in resources(tmp_path)["Bucket"]["Properties"]


def test_notifications_change_after_the_functions(tmp_path: Path) -> None:
    def notified(text: str) -> Template:
        return render_storage(project(tmp_path, text).stage("dev"), ACCOUNT)

    def kept(template: Template) -> object:
        return template.body["Resources"]["Bucket"]["Properties"].get("NotificationConfiguration")

    before, after = notified(EVENTS), notified(EVENTS.replace("media/", "other/"))
    first = storage_candidate(before, {})
    assert kept(first) is None, "there is no function yet"
    second = storage_candidate(after, before.body)
    assert kept(second) == kept(before)
    assert kept(storage_settled(after, second.body)) == kept(after)
    without = storage_candidate(notified(FULL), before.body)
    assert kept(without) == kept(before)
    assert kept(storage_settled(notified(FULL), without.body)) is None
    assert kept(before_functions(after, {})) is None


def test_a_stage_without_s3_has_only_the_artifact_bucket(tmp_path: Path) -> None:
    without = FULL.replace('[s3]\npublic_dirs = ["static", "open/files"]', "").split("[awscontainer.django.storages]")[
        0
    ]
    assert resources(tmp_path, without).keys() == {"ArtifactBucket", "ArtifactBucketPolicy"}


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
    prefix = key_prefix(location)
    assert prefix == "" or re.fullmatch(r"[^/].*[^/]/|[^/]/", prefix)
    assert key_prefix(prefix) == prefix


def test_no_location_is_the_whole_bucket() -> None:
    assert key_prefix(None) == key_prefix("/") == ""
