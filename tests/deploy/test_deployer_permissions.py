"""The deployer's policy, compared with the code, CloudFormation's resource types and IAM on the local AWS."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from deployer import BOUNDED, as_deployer, client
from deploying import ALARMS, CDN, EVENTS, FULL, SECRETS, SMALL, PlanRecorder, deployable, inputs, project
from gated_site import STAGE, app
from local_network import Subnets

import pocket.deploy
from pocket.config import Project
from pocket.deploy.aws import invoke, public_dns
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import destroy, logs, status
from pocket.deploy.releases import deploy as release
from pocket.deploy.reporting import PlanRow
from pocket.deploy.target import Target
from pocket.deploy.template import render, render_storage
from pocket.deploy.template.boundary import boundary_policy
from pocket.deploy.template.deployer import ACCESS_LOGS, LIMIT, deployer_policy, parts
from pocket.deploy.template.deployer_cdn import CDN_LOGS
from pocket.errors import AWSCallFailed, PlanRefused
from pocket.local import LocalAWS

ROOM = Path(pocket.deploy.__file__).parent
SERVICES = (
    "acm",
    "apigatewayv2",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "ec2",
    "lambda",
    "logs",
    "route53",
    "rds",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
)

ACTIONS = {
    # Of all stacks, "in combination with" the other.
    "cloudformation:DescribeStacks": {"cloudformation:DescribeStacks", "cloudformation:ListStacks"},
    "lambda:Invoke": {"lambda:InvokeFunction"},
    "secretsmanager:CreateSecret": {"secretsmanager:CreateSecret", "secretsmanager:TagResource"},  # with tags
    # The express configuration creates an instance, too; deleting with a last snapshot needs a permission for that.
    "rds:CreateDBCluster": {"rds:CreateDBCluster", "rds:CreateDBInstance", "rds:AddTagsToResource"},
    "rds:RestoreDBClusterToPointInTime": {"rds:RestoreDBClusterToPointInTime", "rds:AddTagsToResource"},  # with tags
    "rds:DeleteDBCluster": {"rds:DeleteDBCluster", "rds:CreateDBClusterSnapshot"},
    "rds:DescribeEvents": set(),  # a method of CloudFormation's client
    "rds:RemoveTagsFromResource": set(),  # a method of Systems Manager's
    "s3:DeleteObjects": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    "s3:ListObjectVersions": {"s3:ListBucketVersions"},
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "s3:HeadBucket": {"s3:ListBucket"},
    "s3:UploadFile": {"s3:PutObject", "s3:AbortMultipartUpload"},
    "s3:HeadObject": {"s3:GetObject"},
    "s3:CopyObject": {"s3:GetObject", "s3:PutObject"},
    "s3:CreateMultipartUpload": {"s3:PutObject"},
    "s3:UploadPart": {"s3:PutObject"},
    "s3:UploadPartCopy": {"s3:GetObject", "s3:PutObject"},
    "s3:CompleteMultipartUpload": {"s3:PutObject"},
    "ssm:PutParameter": {"ssm:PutParameter", "ssm:AddTagsToResource"},  # with tags
    "sesv2:GetAccount": {"ses:GetAccount"},
    "sesv2:GetEmailIdentity": {"ses:GetEmailIdentity"},
    "sts:GetCallerIdentity": set(),
    "acm:RequestCertificate": {"acm:RequestCertificate", "acm:AddTagsToCertificate"},  # with tags
    "apigatewayv2:GetDomainName": {"apigateway:GET"},
    "route53:CreateHostedZone": set(),  # on the local AWS alone
    "cloudformation:ValidateTemplate": set(),  # a method of cfn-lint's, which makes no call
}
"""The IAM actions of those operations whose name is another."""

UNUSED = (
    r"(elasticfilesystem|s3files):.*",  # shared files
    r"(kms|codedeploy|firehose|s3tables):.*",  # own keys, gradual deploys, log delivery, tables
    r"(acm-pca|acm:UpdateCertificateOptions).*",  # private authorities, certificates outside of the public logs
    r"cloudfront:(.*ConnectionGroup|GetVpcOrigin|UpdateDistributionWithStagingConfig)",
    r"lambda:.*(CodeSigning|LayerVersion|ProvisionedConcurrency|ScalingConfig|CapacityProvider).*",
    r"lambda:(AssociateRuntimeAlias|PutRuntimeManagementConfig)",
    r"sns:PutDataProtectionPolicy",
    r"logs:(?!Get|Describe).*(KmsKey|LogDelivery|DataProtectionPolicy|IndexPolicy|ResourcePolicy|BearerToken|DeletionProtection).*",
    r"s3:(Put|Delete|Update|Create)\w*(Metadata|Abac|Accelerate|Analytics|Acl|Logging|ObjectLock).*",
    r"s3:(Put|Delete)\w*(Replication|Website|IntelligentTiering|Inventory|Metrics).*",
    r"s3:DeleteBucket(Encryption|Lifecycle)",  # every bucket keeps both
    r"s3:(getObject|REST\.PUT\.OBJECT)",  # not actions of IAM
    r"iam:(AttachRolePolicy|DetachRolePolicy|UpdateRole|UpdateRoleDescription)",  # no managed policy, no description
    r"iam:DeleteRolePermissionsBoundary",  # which would be the way out of it
)
"""What resource types may need for features that no template of Pocket's uses."""


ACCESS_LOG = FULL.replace("apigateway = {}", "apigateway = { access_log = true }", 1)
AURORA = f'{FULL}[database]\nengine = "aurora"\n'
SSM = FULL.replace("[awscontainer.secretsmanager]", '[awscontainer.secretsmanager]\nstore = "ssm"')
DOMAINS = FULL.replace("apigateway = {}", 'apigateway = { domain = "www.example.com" }', 1).replace(
    "apigateway = {}", 'apigateway = { domain = "admin.example.com", create_records = false }', 1
)
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"


def printed(folder: Path, pocket_toml: str = FULL) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = deployer_policy(project(folder, pocket_toml).stage("dev"))["Statement"]
    return found


def actions(statements: list[dict[str, Any]]) -> set[str]:
    return {action for statement in statements for action in statement["Action"]}


def allowed(folder: Path) -> set[str]:
    """The actions of the policies for files that have all there is between them."""
    return {
        action for text in (ACCESS_LOG, SSM, ALARMS, DOMAINS, CDN, AURORA) for action in actions(printed(folder, text))
    }


def called() -> set[str]:
    """`service:Operation` of every API call in the room's code, whichever object it is called on."""
    models = botocore.session.Session()
    known: dict[str, set[str]] = {
        "upload_file": {"s3:UploadFile"},
        "get_account": {"sesv2:GetAccount"},
        "get_email_identity": {"sesv2:GetEmailIdentity"},
    }
    for service in SERVICES:
        for operation in models.get_service_model(service).operation_names:
            known.setdefault(xform_name(operation), set()).add(f"{service}:{operation}")
    for name in ("tag_resource", "untag_resource", "list_tags_for_resource"):
        # Every service has them; Pocket calls those of the stores of secrets.
        known[name] = {operation for operation in known[name] if operation.startswith(("secretsmanager", "ssm"))}
    found: set[str] = set()
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                names = [node.func.attr]
                if node.func.attr == "get_paginator":
                    names = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                found.update(operation for name in names for operation in known.get(str(name), ()))
    return found


def actions_called() -> set[str]:
    return {action for operation in called() for action in ACTIONS.get(operation, {operation})}


def actions_of_resources(folder: Path) -> set[str]:
    """What CloudFormation needs for the resource types of a stage with one of everything."""
    stages = (
        render(inputs(project(folder, ALARMS))),
        render(
            inputs(project(folder, DOMAINS), zones={"www.example.com": "Z1"}, certificates={"admin.example.com": "arn"})
        ),
        render(inputs(project(folder / "cdn", CDN), secrets=SECRETS)),
    )
    storage = render_storage(project(folder, EVENTS).stage("dev"), "123456789012")
    bodies = [template.body for template in (*stages, storage)]
    kinds = {item["Type"] for body in bodies for item in body["Resources"].values()}
    schemas = (PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-central-1", kind).schema for kind in kinds)
    steps = [schema["handlers"].get(step, {}) for schema in schemas for step in ("create", "read", "update", "delete")]
    needed = {action for step in steps for action in step.get("permissions", ())}
    return {action for action in needed if not any(re.fullmatch(pattern, action) for pattern in UNUSED)}


def missing(needed: set[str], folder: Path) -> set[str]:
    policy = allowed(folder)
    return {action for action in needed if not any(fnmatchcase(action, pattern) for pattern in policy)}


def test_the_code_calls_nothing_that_the_policy_does_not_allow(tmp_path: Path) -> None:
    operations = called()
    assert {"cloudformation:CreateChangeSet", "logs:FilterLogEvents", "lambda:Invoke"} <= operations
    assert missing(actions_called(), tmp_path) == set()


def test_cloudformation_needs_nothing_that_the_policy_does_not_allow(tmp_path: Path) -> None:
    assert missing(actions_of_resources(tmp_path), tmp_path) == set()


def test_no_unneeded_action_is_allowed(tmp_path: Path) -> None:
    needed = actions_called() | actions_of_resources(tmp_path) | set(ACCESS_LOGS) | set(CDN_LOGS)
    assert {one for one in allowed(tmp_path) if not any(fnmatchcase(action, one) for action in needed)} == set()


def test_what_can_be_held_to_the_stages_own_resources_is(tmp_path: Path) -> None:
    statements = printed(tmp_path, ACCESS_LOG)
    wide = {statement["Sid"] for statement in statements if statement["Resource"] == "*"}
    assert wide == {"FindStacks", "QueuesToFunctions", "LogGroups", "AccessLogs", "ReadMetrics"}
    others = {"HttpApis", "QueueMappings", "DatesOfSecrets", "DatesOfParameters"}
    for statement in statements:
        if statement["Sid"] not in wide | others:
            resources = statement["Resource"]
            for resource in [resources] if isinstance(resources, str) else resources:
                assert "pocket-dev-full" in resource, statement["Sid"]


def test_records_and_certificates_are_allowed_for_the_stages_domains_alone(tmp_path: Path) -> None:
    found = {statement["Sid"]: statement for statement in printed(tmp_path, DOMAINS)}
    names = {"route53:ChangeResourceRecordSetsNormalizedRecordNames": ["www.example.com", "_*.www.example.com"]}
    assert found["Records"]["Condition"]["ForAllValues:StringLike"] == names
    requested = {"acm:DomainNames": ["www.example.com", "admin.example.com"]}
    assert found["RequestCertificates"]["Condition"] == {"ForAllValues:StringEquals": requested}
    assert "aws:ResourceTag/pocket:stage" in found["RemoveCertificates"]["Condition"]["StringEquals"]
    of_domains = {sid for sid, statement in found.items() if statement["Resource"] == "*"}
    of_domains -= {"FindStacks", "LogGroups", "ReadMetrics"}
    assert of_domains == {"FindHostedZones", "FindCertificates", "RequestCertificates", "QueuesToFunctions"}
    exact = DOMAINS.replace('"www.example.com"', '"www.example.com", hosted_zone_id_override = "Z012"')
    zones = {item["Sid"]: item["Resource"] for item in printed(tmp_path, exact)}
    assert zones["HostedZones"] == zones["Records"] == "arn:aws:route53:::hostedzone/Z012"


def test_only_the_stages_own_distribution_may_be_changed(tmp_path: Path) -> None:
    """CloudFront compares tags of distributions only; the local AWS does not know them."""
    found = {item["Sid"]: item for item in printed(tmp_path, CDN) if "cloudfront:" in str(item["Action"])}
    own = {"aws:ResourceTag/pocket:project": "full", "aws:ResourceTag/pocket:stage": "dev"}
    free = {"Create", "Get", "ListTags"}
    for item in found.values():
        if "distribution/" not in str(item["Resource"]):
            continue
        changing = {action for action in item["Action"] if not action.partition(":")[2].startswith(tuple(free))}
        if changing - {"cloudfront:TagResource", "cloudfront:CreateInvalidation"}:
            assert item["Condition"] == {"StringEquals": own}
    assert "cloudfront:CreateInvalidation" in found["DistributionChanges"]["Action"]
    assert found["DistributionTags"]["Condition"] == {"StringEqualsIfExists": own}


def test_every_right_over_roles_depends_on_the_boundary(tmp_path: Path) -> None:
    """Without the condition a deployer makes itself an administrator: a role with any policy, handed to a function."""
    for statement in printed(tmp_path):
        for action in statement["Action"]:
            if action in {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}:
                assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
            assert action not in {
                "iam:DeleteRolePermissionsBoundary",
                "iam:AttachRolePolicy",
                "iam:CreatePolicyVersion",
            }
            assert action not in {"iam:*", "*"}


def test_a_file_without_a_boundary_is_an_error_with_a_hint(tmp_path: Path) -> None:
    without = FULL.replace(f'permissions_boundary = "{BOUNDARY}"', "")
    found = project(tmp_path, without)
    with pytest.raises(PlanRefused, match="permissions_boundary") as caught:
        deployer_policy(found.stage("dev"))
    assert "pocket permissions --stage dev --boundary" in caught.value.hint
    assert "arn:aws:sqs:eu-central-1:*:pocket-dev-full-*" in str(boundary_policy(found, found.stage("dev")))


def test_a_boundary_of_aws_own_names_no_account(tmp_path: Path) -> None:
    of_aws = FULL.replace(BOUNDARY, "arn:aws:iam::aws:policy/PowerUserAccess")
    [roles] = [item["Resource"] for item in printed(tmp_path, of_aws) if item["Sid"] == "Roles"]
    assert roles == "arn:aws:iam::*:role/pocket-dev-full-*"


@pytest.mark.parametrize("pocket_toml", [FULL, ACCESS_LOG, SSM, EVENTS, ALARMS, DOMAINS])
def test_each_policy_is_as_long_as_iam_takes(tmp_path: Path, pocket_toml: str) -> None:
    found = project(tmp_path, pocket_toml)
    whole = deployer_policy(found.stage("dev"))
    split = parts(whole)
    assert len(split) == (2 if pocket_toml in {DOMAINS, EVENTS, ALARMS} else 1)
    assert [statement for policy in split for statement in policy["Statement"]] == whole["Statement"]
    for policy in (*split, boundary_policy(found, found.stage("dev"))):
        assert len(json.dumps(policy, separators=(",", ":"))) <= LIMIT


NAMED = {"KeepFailures": "SendJobs"}
"""Statements that another one of the boundary covers, since it names all queues of the stage."""


def test_the_boundary_allows_what_each_roles_own_policy_allows(tmp_path: Path) -> None:
    found = project(tmp_path, EVENTS)
    boundary = boundary_policy(found, found.stage("dev"))["Statement"]
    assert "Fn::" not in str(boundary)
    assert "${" not in str(boundary)
    bounds = {item["Sid"]: set(item["Action"]) for item in boundary}
    for resource in render(inputs(found)).body["Resources"].values():
        for policy in resource["Properties"].get("Policies", ()) if resource["Type"] == "AWS::IAM::Role" else ():
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    assert set(statement["Action"]) <= bounds[NAMED.get(statement["Sid"], statement["Sid"])]


def test_what_one_role_may_not_do_is_not_denied_to_the_others_by_the_boundary(tmp_path: Path) -> None:
    found = project(tmp_path, EVENTS)
    statements = boundary_policy(found, found.stage("dev"))["Statement"]
    assert {item["Effect"] for item in statements} == {"Allow"}


@pytest.fixture
def deployer(
    tmp_path: Path, target: Target, subnets: Subnets, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Project, Target]]:
    """A project with a boundary, and a target with the keys of a user who has the printed policy alone."""
    named = SMALL.replace("small", "bounded").replace("[awscontainer]\n", f"[awscontainer]\n{BOUNDED}", 1)
    vpc = f'[vpc]\nsubnet_ids = ["{subnets.open}"]\nsecurity_group_ids = ["{subnets.group}"]\n'
    named = named.replace("[s3]", f"{vpc}[s3]", 1)
    named = named.replace("[vpc]", 'tags = { team = "board" }\n[vpc]', 1)
    named = named.replace("apigateway = {}", 'apigateway = { domain = "www.bounded.example" }', 1)
    schedule = 'schedule = [{ expression = "rate(1 hour)", manage = "job" }]'
    named = named.replace("[awscontainer.secretsmanager", f"{schedule}\n[awscontainer.secretsmanager", 1)
    named += '[alarms]\nemail = "team@bounded.example"\ndashboard = true\n'
    dns = client(target, "route53")
    zone = dns.create_hosted_zone(Name="bounded.example", CallerReference=str(tmp_path))
    servers = frozenset(server.rstrip(".") for server in zone["DelegationSet"]["NameServers"])
    monkeypatch.setattr(public_dns, "name_servers", lambda _: servers)
    found = deployable(tmp_path, named)
    with as_deployer(found, target) as place:
        yield found, place
    dns.delete_hosted_zone(Id=zone["HostedZone"]["Id"])


def test_a_user_with_only_that_policy_deploys_operates_and_destroys(
    deployer: tuple[Project, Target], target: Target, local_aws: LocalAWS
) -> None:
    found, place = deployer
    stage = found.stage("dev")
    first, second = (
        release.deploy(found, stage, place, PlanRecorder(), skip_gates=["project"], published=local_aws.route)
        for _ in range(2)
    )
    assert (first.history.live, first.changed, second.changed) == (1, True, False)
    tagged = replace(stage, general=stage.general.model_copy(update={"tags": {"team": "other"}}))
    recorder = PlanRecorder()
    third = release.deploy(found, tagged, place, recorder, skip_gates=["project"], published=local_aws.route)
    assert (third.history.live, third.changed) == (1, True)
    [rows] = recorder.plans
    kind, detail = "AWS::CloudFormation::Stack", "tag team = other"
    names = (f"{stage.stack_name}-storage", stage.stack_name)
    assert list(rows) == [PlanRow("change", name, kind, detail) for name in names]
    before = status.read(stage, place)
    assert before.stack_status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    # MiniStack counts the errors of all functions, and other tests have some.
    assert {item.state for item in before.alarms if item.kind != "errors"} <= {"OK", "INSUFFICIENT_DATA"}
    assert {"errors", "http_5xx", "dead_letters", "failed_events"} <= {item.kind for item in before.alarms}
    assert invoke.manage(stage, place, "job", []).exit_status == 0
    watch = client(target, "cloudwatch")
    assert "Alarms of pocket-dev-bounded" in watch.get_dashboard(DashboardName="pocket-dev-bounded")["DashboardBody"]
    watch.set_alarm_state(AlarmName="pocket-dev-bounded-worker-dead-letters", StateValue="ALARM", StateReason="a test")
    after = status.read(stage, replace(place, counts_live=False))
    assert [item.handler for item in after.alarms if (item.kind, item.state) == ("dead_letters", "ALARM")] == ["worker"]
    [events] = after.events
    assert [(item.text, item.state) for item in events.schedules] == [("rate(1 hour), UTC: job", "ran")]
    assert list(logs.read(stage, place, since=600, follow=False))
    assert "stack pocket-dev-bounded" in destroy.destroy(stage, place, PlanRecorder()).removed


def test_a_stage_that_generates_no_secret_is_removed_with_that_policy_too(
    tmp_path: Path, target: Target, local_aws: LocalAWS
) -> None:
    stage = STAGE.replace("[awscontainer]\n", f"[awscontainer]\n{BOUNDED}", 1)
    found = deployable(tmp_path, stage.replace("gated", "bounded"), app("A"))
    with as_deployer(found, target) as place:
        release.deploy(
            found, found.stage("dev"), place, PlanRecorder(), skip_gates=["project"], published=local_aws.route
        )
        removed = destroy.destroy(found.stage("dev"), place, PlanRecorder()).removed
    assert "stack pocket-dev-bounded" in removed


def test_that_user_can_make_no_role_outside_of_the_boundary_and_touch_no_other_stage(
    deployer: tuple[Project, Target],
) -> None:
    found, place = deployer
    with pytest.raises(AWSCallFailed, match="AccessDenied"):
        Clients(place).s3.list_objects_v2(Bucket="pocket-dev-other")
    with pytest.raises(AWSCallFailed, match="AccessDenied") as denied:
        Clients(place).acm.list_certificates()
    assert "Allow acm:ListCertificates to the user or role that deploys." in denied.value.hint
    with pytest.raises(AWSCallFailed, match="AccessDenied"):
        Clients(place).lambda_.get_function(FunctionName="pocket-dev-other-web")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    with pytest.raises(ClientError, match="AccessDenied"):
        client(place, "iam").create_role(
            RoleName=f"{found.stage('dev').stack_name}-Mine",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
