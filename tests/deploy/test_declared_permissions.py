"""`permissions` of the file: what they become in a role and in the boundary, in words, and by IAM on the local AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from deploying import SMALL, PlanRecorder, inputs, project

from pocket.deploy.aws.session import Clients
from pocket.deploy.stacks.plan import Plans
from pocket.deploy.target import Target
from pocket.deploy.template import Template, render
from pocket.deploy.template.boundary import boundary_policy
from pocket.deploy.template.permission_changes import permission_changes
from pocket.deploy.template.permissions import statements
from pocket.deploy.template.policy_sizes import policy_size
from pocket.deploy.template.role import execution_role
from pocket.deploy.template.validate import refuse_unsupported
from pocket.errors import ConfigError, ConfigErrors

LABELS = '[[awscontainer.permissions]]\nactions = ["rekognition:DetectLabels"]\nresources = ["*"]\n'
TABLES = '[[awscontainer.handlers.web.permissions]]\nactions = ["dynamodb:ListTables"]\nresources = ["*"]\n'
ITEMS = """
[[awscontainer.handlers.worker.permissions]]
actions = ["dynamodb:GetItem", "dynamodb:PutItem"]
resources = ["${Table.Arn}", "${Topic}", "arn:${AWS::Partition}:s3:::x-${AWS::AccountId}/${!aws:username}/*"]
conditions = { StringEquals = { "aws:SourceAccount" = "${AWS::AccountId}", "aws:PrincipalTag/team" = ["a", "b"] } }
"""


def declared(folder: Path, handler: str, text: str) -> dict[str, dict[str, Any]]:
    found = statements(inputs(project(folder, SMALL + text)), handler)
    return {item["Sid"]: item for item in found if item["Sid"].startswith("Declared")}


def body(folder: Path, text: str) -> dict[str, Any]:
    return render(inputs(project(folder, SMALL + text))).body


def test_a_handlers_permissions_are_its_own(tmp_path: Path) -> None:
    text = LABELS + TABLES + ITEMS
    assert declared(tmp_path, "open", text).keys() == {"Declared1"}
    assert declared(tmp_path, "web", text).keys() == {"Declared1", "Declared1Web"}
    found = declared(tmp_path, "worker", text)
    assert found.keys() == {"Declared1", "Declared1Worker"}
    assert found["Declared1Worker"] == {
        "Sid": "Declared1Worker",
        "Effect": "Allow",
        "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
        "Resource": [
            {"Fn::Sub": "${Table.Arn}"},
            {"Ref": "Topic"},
            {"Fn::Sub": "arn:${AWS::Partition}:s3:::x-${AWS::AccountId}/${!aws:username}/*"},
        ],
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": [{"Fn::Sub": "${AWS::AccountId}"}],
                "aws:PrincipalTag/team": ["a", "b"],
            }
        },
    }


def test_the_boundary_has_every_permission_and_no_reference(tmp_path: Path) -> None:
    found = project(tmp_path, SMALL + LABELS + TABLES + ITEMS)
    policy = boundary_policy(found, found.stage("dev"))
    by_sid = {item["Sid"]: item for item in policy["Statement"]}
    assert by_sid["Declared1"]["Action"] == ["rekognition:DetectLabels"]
    assert by_sid["Declared1Web"]["Action"] == ["dynamodb:ListTables"]
    assert by_sid["Declared1Worker"]["Resource"] == ["*"], "the ARN of a new table is not known"
    own = ITEMS.replace('"${Table.Arn}", "${Topic}", ', "").replace('"${AWS::AccountId}"', '"${Table}"')
    kept = boundary_policy(*_stage(tmp_path, SMALL + own))["Statement"][-1]
    assert kept["Resource"] == ["arn:aws:s3:::x-*/${aws:username}/*"]
    assert kept["Condition"] == {"StringEquals": {"aws:PrincipalTag/team": ["a", "b"]}}


def _stage(folder: Path, text: str) -> tuple[Any, Any]:
    found = project(folder, text)
    return found, found.stage("dev")


def test_an_action_or_a_service_that_aws_does_not_have_is_refused_with_its_line(tmp_path: Path) -> None:
    text = LABELS.replace('"rekognition:DetectLabels"', '"rekognition:DetectLabelz", "s3:Get*", "sqss:SendMessage"')
    text += TABLES.replace("ListTables", "Litst*")
    found, stage = _stage(tmp_path, SMALL + text)
    with pytest.raises(ConfigErrors) as caught:
        refuse_unsupported(found, stage)
    one, two, three = caught.value.errors
    assert (one.key, one.line) == ("awscontainer.permissions[0].actions[0]", len(SMALL.splitlines()) + 2)
    assert one.message == '"rekognition" has no action "DetectLabelz".'
    assert one.hint.startswith('Did you mean "DetectLabels"?')
    assert (two.message, two.hint[:19]) == ('AWS has no service "sqss".', 'Did you mean "sqs"?')
    assert (three.key, three.message) == (
        "awscontainer.handlers.web.permissions[0].actions[0]",
        '"dynamodb" has no action "Litst*".',
    )


def test_a_service_without_an_api_of_its_name_is_suggested_in_lowercase(tmp_path: Path) -> None:
    found, stage = _stage(tmp_path, SMALL + LABELS.replace("rekognition:DetectLabels", "execute-api:Invok"))
    with pytest.raises(ConfigError, match='"execute-api" has no action "Invok"') as caught:
        refuse_unsupported(found, stage)
    assert '"invoke"' in caught.value.hint


def many(count: int) -> str:
    """A statement for the web of about 100 characters a resource."""
    arns = [
        f"arn:${{AWS::Partition}}:dynamodb:${{AWS::Region}}:${{AWS::AccountId}}:table/{i:048}" for i in range(count)
    ]
    return TABLES.replace('["*"]', str(arns).replace("'", '"')).replace("ListTables", "GetItem")


def test_a_role_that_iam_would_not_take_twice_is_refused_with_its_size(tmp_path: Path) -> None:
    refuse_unsupported(*_stage(tmp_path, SMALL + many(20)))
    with pytest.raises(ConfigError, match=r"policy of the role has at least [56],\d{3} characters") as caught:
        refuse_unsupported(*_stage(tmp_path, SMALL + many(50)))
    assert caught.value.key == "awscontainer.handlers.web"
    assert "Roles: [!Ref WebRole]" in caught.value.hint


def test_the_size_of_a_policy_is_no_larger_than_iams(tmp_path: Path) -> None:
    given = inputs(project(tmp_path, SMALL + many(1)))
    document = {"Statement": [{"Resource": [{"Fn::Sub": 'arn:${AWS::Partition}:s3:::a-${AWS::AccountId}/é"/*'}]}]}
    assert policy_size(document, given) == len('{"Statement":[{"Resource":["arn:aws:s3:::a-123456789012/é\\"/*"]}]}')


def test_permissions_that_aws_has_are_accepted(tmp_path: Path) -> None:
    refuse_unsupported(*_stage(tmp_path, SMALL + LABELS + TABLES))


def test_the_plan_describes_what_is_added_and_removed(tmp_path: Path) -> None:
    handlers = ["web", "open", "worker", "management"]
    none, labels, both = (body(tmp_path, text) for text in ("", LABELS, LABELS + TABLES + ITEMS))
    everyone = "web, open, worker, management"
    assert list(permission_changes({}, labels, handlers)) == [
        f"{everyone} may call rekognition:DetectLabels on everything."
    ]
    assert list(permission_changes(labels, none, handlers)) == [
        f"{everyone} may no longer call rekognition:DetectLabels on everything."
    ]
    path = "arn:${AWS::Partition}:s3:::x-${AWS::AccountId}/${!aws:username}/*"
    where = "aws:SourceAccount StringEquals ${AWS::AccountId} and aws:PrincipalTag/team StringEquals a or b"
    assert list(permission_changes(labels, both, handlers)) == [
        "web may call dynamodb:ListTables on everything.",
        f"worker may call dynamodb:GetItem, dynamodb:PutItem on ${{Table.Arn}} and ${{Topic}} and {path}, if {where}.",
    ]
    assert list(permission_changes(both, both, handlers)) == []
    assert next(permission_changes(both, labels, ["open"])).startswith("Web may no longer call")


@pytest.mark.parametrize(
    "policies",
    [
        [{"PolicyName": "x", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}],
        [{"PolicyName": "x", "PolicyDocument": {"Statement": [{"Sid": "Declared1", "Action": "s3:*"}]}}],
        [{"Fn::If": ["P", {"PolicyName": "x"}, {"Ref": "AWS::NoValue"}]}],
        {"Fn::If": ["P", [], []]},
    ],
)
def test_a_role_of_the_users_is_not_among_the_changes(policies: Any) -> None:
    mine = {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies}, "Metadata": {"Pocket": "own"}}
    assert list(permission_changes({}, {"Resources": {"Mine": mine}}, ["web"])) == []


def test_iam_denies_before_and_allows_after_and_only_the_handlers_own_role(
    clients: Clients, target: Target, tmp_path: Path
) -> None:
    def bring(text: str) -> dict[str, str]:
        given = inputs(project(tmp_path, SMALL.replace("small", "allowing") + text))
        roles = {**execution_role(given, "web"), **execution_role(given, "open")}
        plain = {name: _without_queues(item) for name, item in roles.items()}
        template = Template({"AWSTemplateFormatVersion": "2010-09-09", "Resources": plain})
        with Plans(clients, PlanRecorder()) as plans:
            plans.carry_out(plans.add("allowing", template))
        found = clients.cloudformation.describe_stack_resources(StackName="allowing")["StackResources"]
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found}

    roles = bring("")
    assert not _may_list_tables(target, roles["WebRole"])
    assert bring(TABLES) == roles
    assert _may_list_tables(target, roles["WebRole"])
    assert not _may_list_tables(target, roles["OpenRole"]), "another handler's permission"
    bring("")
    assert not _may_list_tables(target, roles["WebRole"])


def _without_queues(role: dict[str, Any]) -> dict[str, Any]:
    """The role without the statements about queues of the stack, which this stack does not have."""
    [policy] = role["Properties"]["Policies"]
    kept = [item for item in policy["PolicyDocument"]["Statement"] if "Jobs" not in item["Sid"]]
    document = {**policy["PolicyDocument"], "Statement": kept}
    return {**role, "Properties": {**role["Properties"], "Policies": [{**policy, "PolicyDocument": document}]}}


def _may_list_tables(target: Target, role: str) -> bool:
    """Whether that role may, by IAM on the local AWS."""
    keys = target.credentials
    assert keys is not None
    sts = boto3.client(
        "sts",
        region_name=target.region,
        endpoint_url=target.endpoint_url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    account = sts.get_caller_identity()["Account"]
    assumed = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="test")["Credentials"]
    dynamodb = boto3.client(
        "dynamodb",
        region_name=target.region,
        endpoint_url=target.endpoint_url,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )
    try:
        dynamodb.list_tables()
    except dynamodb.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False
    return True
