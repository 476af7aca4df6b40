from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from deploying import EVENTS, FULL, SMALL, inputs, project
from hypothesis import given
from hypothesis import strategies as st

from pocket.config import build_manifest
from pocket.deploy.template import render
from pocket.deploy.template.boundary import boundary_policy
from pocket.deploy.template.iam_actions import unknown_actions
from pocket.deploy.template.permissions import CAUSES, keys_of_events, statements
from pocket.errors import PlanRefused

SECRETS = FULL[FULL.index("[awscontainer.secretsmanager]") : FULL.index("[awscontainer.django.storages]")]


def granted(folder: Path, handler: str = "web", pocket_toml: str = FULL) -> dict[str, dict[str, Any]]:
    """The statements of a handler's role, by name."""
    found = statements(inputs(project(folder, pocket_toml)), handler)
    assert len({item["Sid"] for item in found}) == len(found)
    return {item["Sid"]: item for item in found}


def roles(folder: Path) -> dict[str, Any]:
    resources = render(inputs(project(folder))).body["Resources"]
    return {name: item["Properties"] for name, item in resources.items() if item["Type"] == "AWS::IAM::Role"}


def test_every_role_is_within_the_permissions_boundary(tmp_path: Path) -> None:
    found = roles(tmp_path)
    assert len(found) == 8, "one a handler, one for the schedules and one for tasks that run later"
    assert {role["PermissionsBoundary"] for role in found.values()} == {"arn:aws:iam::123456789012:policy/boundary"}


def test_a_role_writes_only_to_its_own_log(tmp_path: Path) -> None:
    found = granted(tmp_path)["WriteLogs"]
    assert found["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    (group,) = found["Resource"]
    assert group["Fn::Sub"].endswith(":log-group:/aws/lambda/pocket-dev-full-web:*")


def test_the_role_may_read_exactly_the_secrets_that_the_run_time_reads(tmp_path: Path) -> None:
    stage = build_manifest(project(tmp_path)).stages["dev"]
    found = granted(tmp_path)
    assert stage.secret_ids("secretsmanager") == ("pocket-dev-full", "shared/api")
    names = [re.sub(r".*:secret:|-\?{6}$", "", item["Fn::Sub"]) for item in found["ReadSecrets"]["Resource"]]
    assert tuple(names) == stage.secret_ids("secretsmanager")
    assert tuple(found["ReadParameters"]["Resource"]) == stage.secret_ids("ssm")


def test_generated_parameters_are_granted_by_their_full_names(tmp_path: Path) -> None:
    stored = FULL.replace("[awscontainer.secretsmanager]\n", '[awscontainer.secretsmanager]\nstore = "ssm"\n')
    found = granted(tmp_path, pocket_toml=stored)["ReadParameters"]["Resource"]
    assert found[0]["Fn::Sub"].endswith(":parameter/pocket-dev-full/SECRET_KEY")


def test_a_stage_without_secrets_may_not_read_any(tmp_path: Path) -> None:
    found = granted(tmp_path, pocket_toml=FULL.replace(SECRETS, ""))
    assert not [item for item in found.values() if re.search("secretsmanager|ssm|kms", str(item))]


def test_what_has_no_narrower_resource_is_granted_only_where_it_is_needed(tmp_path: Path) -> None:
    wide = {name for name, item in granted(tmp_path).items() if item["Resource"] == ["*"]}
    assert wide == {"ReadSecretsAtOnce"}
    listed = FULL.replace(
        "[awscontainer.secretsmanager]\n", "[awscontainer.secretsmanager]\nrequire_list_secrets = true\n"
    )
    wide = {name for name, item in granted(tmp_path, pocket_toml=listed).items() if item["Resource"] == ["*"]}
    assert wide == {"ReadSecretsAtOnce", "ListSecrets"}


def test_more_resources_are_granted_with_the_actions_that_read_them(tmp_path: Path) -> None:
    assert granted(tmp_path)["ReadExtraKms"]["Action"] == ["kms:Decrypt"]


def test_a_resource_of_another_service_is_refused(tmp_path: Path) -> None:
    other = FULL.replace("arn:aws:kms:eu-central-1:123456789012:key/0000", "arn:aws:s3:::someones-bucket")
    with pytest.raises(PlanRefused, match="belongs to s3; expected an ARN of secretsmanager, ssm, kms"):
        granted(tmp_path, pocket_toml=other)


def test_uploads_may_be_written_and_static_files_only_read(tmp_path: Path) -> None:
    found = granted(tmp_path)
    read = [item["Fn::Sub"].rpartition(":")[2] for item in found["ReadObjects"]["Resource"]]
    written = [item["Fn::Sub"].rpartition(":")[2] for item in found["WriteObjects"]["Resource"]]
    assert read == ["pocket-dev-full/media/*", "pocket-dev-full/static/*"]
    assert written == ["pocket-dev-full/media/*"]
    assert found["ListObjects"]["Condition"] == {
        "StringLike": {"s3:prefix": ["media", "media/*", "static", "static/*"]}
    }


def test_a_stage_without_s3_storages_may_not_touch_the_bucket(tmp_path: Path) -> None:
    found = granted(tmp_path, pocket_toml=FULL[: FULL.index("[awscontainer.django.storages]")])
    assert not [name for name in found if name.endswith("Objects")]


def test_every_handler_may_send_jobs_and_only_a_queues_own_may_receive_them(tmp_path: Path) -> None:
    queues = [{"Fn::GetAtt": ["SqsmanagementQueue", "Arn"]}, {"Fn::GetAtt": ["OrderedFifoQueue", "Arn"]}]
    assert granted(tmp_path)["SendJobs"]["Resource"] == queues
    assert "TakeJobs" not in granted(tmp_path)
    assert granted(tmp_path, "ordered")["TakeJobs"]["Resource"] == queues[1:]


def test_the_schedules_role_may_invoke_only_its_handlers_alias(tmp_path: Path) -> None:
    role = roles(tmp_path)["ManagementScheduleInvoker"]
    statement, failures = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["lambda:InvokeFunction"]
    assert statement["Resource"] == [{"Ref": "ManagementAlias"}]
    assert failures["Action"] == ["sqs:SendMessage"]
    assert failures["Resource"] == [{"Fn::GetAtt": ["ManagementFailedEvents", "Arn"]}]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_a_handler_keeps_its_own_failures_and_reads_its_own_streams(tmp_path: Path) -> None:
    found = granted(tmp_path, "thumbnails", EVENTS)
    assert found["KeepFailures"]["Resource"] == [{"Fn::GetAtt": ["ThumbnailsFailedEvents", "Arn"]}]
    assert [item.split(":")[2] for item in found["ReadStreams"]["Resource"]] == ["dynamodb"]
    assert {"KeepFailures", "ReadStreams"}.isdisjoint(granted(tmp_path, "web", EVENTS))


def test_a_handler_may_not_cause_the_events_that_call_it(tmp_path: Path) -> None:
    found = granted(tmp_path, "thumbnails", EVENTS)["NoRecursion1"]
    assert (found["Effect"], found["Action"]) == ("Deny", ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"])
    assert found["Resource"][0]["Fn::Sub"].endswith(":s3:::pocket-dev-full/media/*.jpg")
    assert "NoRecursion1" not in granted(tmp_path, "web", EVENTS)
    assert found["Resource"][1:] == []
    allowed = EVENTS.replace('suffix = ".jpg"', "allow_recursion = true")
    assert "NoRecursion1" not in granted(tmp_path, "thumbnails", allowed)


def test_the_actions_that_cause_events_are_those_of_aws_for_every_version(tmp_path: Path) -> None:
    actions = [action for listed in CAUSES.values() for action in listed]
    text = f'[[awscontainer.permissions]]\nactions = {json.dumps(actions)}\nresources = ["*"]\n'
    found = project(tmp_path, SMALL + text)
    assert list(unknown_actions(found.stage("dev"))) == []
    assert {"s3:PutObjectVersionTagging", "s3:DeleteObjectVersionTagging", "s3:PutObjectVersionAcl"} <= set(actions)


@given(st.text("ab", max_size=4), st.text("ab", max_size=4), st.text("ab", max_size=6))
def test_the_keys_of_events_are_those_that_begin_and_end_as_declared(prefix: str, suffix: str, key: str) -> None:
    found = any(fnmatchcase(key, pattern) for pattern in keys_of_events(prefix, suffix))
    assert found == (key.startswith(prefix) and key.endswith(suffix))


IAM = """
[database]
engine = "postgresql"
iam = true
host = "board.cluster-abc.eu-central-1.rds.amazonaws.com"
name = "board"
user = "b@ard"
resource_id = "cluster-ABC"
"""


def test_a_database_with_iam_is_reached_as_one_user_and_has_no_secret(tmp_path: Path) -> None:
    found = granted(tmp_path, pocket_toml=FULL + IAM)
    assert "ConnectToDatabase" not in granted(tmp_path)
    assert found["ConnectToDatabase"]["Action"] == ["rds-db:connect"]
    (resource,) = found["ConnectToDatabase"]["Resource"]
    assert resource["Fn::Sub"].endswith(":rds-db:${AWS::Region}:${AWS::AccountId}:dbuser:cluster-ABC/b@ard")
    own = project(tmp_path, FULL + IAM)
    assert not [item for item in build_manifest(own).stages["dev"].secrets if item.name == "DATABASE_URL"]
    function = render(inputs(own)).body["Resources"]["WebFunction"]["Properties"]
    assert function["Environment"]["Variables"]["DATABASE_URL"] == (
        "pocket.django.databases.iam://b%40ard@board.cluster-abc.eu-central-1.rds.amazonaws.com:5432/board"
    )
    boundary = boundary_policy(own, own.stage("dev"))["Statement"]
    assert [item["Resource"] for item in boundary if item["Sid"] == "ConnectToDatabase"] == [
        ["arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ABC/b@ard"]
    ]


def test_the_owner_of_the_tables_is_for_management_commands_alone(tmp_path: Path) -> None:
    text = f'{FULL}{IAM}owner = "boss"\n'
    for handler, user in (("web", "b@ard"), ("sqsmanagement", "b@ard"), ("management", "boss")):
        (resource,) = granted(tmp_path, handler, text)["ConnectToDatabase"]["Resource"]
        assert resource["Fn::Sub"].endswith(f"dbuser:cluster-ABC/{user}")
    own = project(tmp_path, text)
    variables = {
        name: item["Properties"]["Environment"]["Variables"]["DATABASE_URL"].partition("@board.")[0]
        for name, item in render(inputs(own)).body["Resources"].items()
        if item["Type"] == "AWS::Lambda::Function"
    }
    assert variables["ManagementFunction"].endswith("://boss")
    assert {url for name, url in variables.items() if name != "ManagementFunction"} == {
        "pocket.django.databases.iam://b%40ard"
    }
    database = build_manifest(own).stages["dev"].database
    assert database is not None
    assert database.application_user == "b@ard"


def test_the_boundary_of_a_new_cluster_allows_its_two_users(tmp_path: Path) -> None:
    own = project(tmp_path, f'{FULL}[database]\nengine = "aurora"\n')
    boundary = boundary_policy(own, own.stage("dev"))["Statement"]
    (found,) = [item["Resource"] for item in boundary if item["Sid"] == "ConnectToDatabase"]
    assert found == [f"arn:aws:rds-db:eu-central-1:123456789012:dbuser:*/{user}" for user in ("app", "postgres")]


def test_every_handler_may_send_mail_from_the_stages_address_alone(tmp_path: Path) -> None:
    for handler in ("web", "thumbnails"):
        found = granted(tmp_path, handler, EVENTS)["SendMail"]
        assert found["Action"] == ["ses:SendEmail", "ses:SendRawEmail"]
        assert found["Condition"] == {"StringEquals": {"ses:FromAddress": ["noreply@mail.example.com"]}}
        ends = [item["Fn::Sub"].rpartition(":")[2] for item in found["Resource"]]
        assert ends == ["identity/*", "configuration-set/tracked"]
        assert all(":ses:us-east-1:" in item["Fn::Sub"] for item in found["Resource"])
    assert "SendMail" not in granted(tmp_path)
