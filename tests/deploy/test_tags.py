"""The file's tags: on the stacks, on what CloudFormation passes them on to, and on the generated secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from deploying import FULL, SMALL, PlanRecorder, inputs, project

from pocket.config import StageConfig
from pocket.deploy.aws.session import Clients
from pocket.deploy.reporting import PlanRow
from pocket.deploy.stacks import certificates, secrets
from pocket.deploy.stacks.plan import Plans
from pocket.deploy.stacks.stack import State, find
from pocket.deploy.stacks.tags import Retagging, retagging
from pocket.deploy.template import Template, render, render_storage
from pocket.deploy.template.marks import marks

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "tagged-queue"}}
BODY: dict[str, Any] = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Queue": QUEUE}}


def brought(clients: Clients, own: dict[str, str] | None, tags: dict[str, str] | None = None) -> tuple[PlanRow, ...]:
    """The rows of the plan with which the stack gets those tags."""
    with Plans(clients, PlanRecorder(), tags=tags, own_tags=own) as plans:
        planned = plans.add("tagged", Template(BODY))
        plans.carry_out(planned)
    return planned.rows


def tags_of(clients: Clients) -> tuple[dict[str, str], dict[str, str]]:
    """The tags of the stack and those of its queue, without CloudFormation's own."""
    stack = find(clients, "tagged")
    assert stack is not None
    url = clients.sqs.get_queue_url(QueueName="tagged-queue")["QueueUrl"]
    queue = clients.sqs.list_queue_tags(QueueUrl=url)["Tags"]
    return dict(stack.tags), {key: value for key, value in queue.items() if not key.startswith("aws:")}


def test_tags_come_change_and_go_with_the_file_and_others_stay(clients: Clients) -> None:
    brought(clients, {"team": "board", "cost": "42"}, {"pocket:stage": "dev"})
    assert tags_of(clients) == ({"team": "board", "cost": "42", "pocket:stage": "dev"},) * 2
    assert brought(clients, {"cost": "42", "team": "board"}) == ()
    stack = find(clients, "tagged")
    assert stack is not None
    # Something else tags the stack as well.
    listed = [{"Key": key, "Value": value} for key, value in {**stack.tags, "audit": "yes"}.items()]
    clients.cloudformation.update_stack(StackName="tagged", UsePreviousTemplate=True, Tags=listed)  # type: ignore[arg-type]
    row = PlanRow("change", "tagged", "AWS::CloudFormation::Stack", "tag team = news, no tag cost")
    assert brought(clients, {"team": "news"}) == (row,)
    assert tags_of(clients) == ({"team": "news", "pocket:stage": "dev", "audit": "yes"},) * 2
    assert brought(clients, None) == (), "a rollback has no file"
    brought(clients, {})
    assert tags_of(clients) == ({"pocket:stage": "dev", "audit": "yes"},) * 2
    assert brought(clients, {}) == ()


def test_a_file_without_tags_records_none(clients: Clients) -> None:
    assert not retagging(State(), {})
    assert not retagging(State(), None)
    assert "no tag b" in str(Retagging({"a": "1"}, ("b",)))


@pytest.mark.parametrize("store", ["secretsmanager", "ssm"])
def test_generated_secrets_have_the_files_tags(clients: Clients, tmp_path: Path, store: str) -> None:
    table = f'[awscontainer.secretsmanager]\nstore = "{store}"\npocket_key_format = "{{stage}}-tags-{store}"\n'
    secret = "[awscontainer.secretsmanager.pocket_secrets]"
    text = SMALL.replace(secret, f"{table}{secret}")
    stage = project(tmp_path, text.replace("[s3]", 'tags = { team = "board" }\n[s3]')).stage("dev")
    secrets.carry_out(clients, stage, secrets.plan(clients, stage), PlanRecorder())
    own = {"pocket:project": "small", "pocket:stage": "dev"}
    assert secret_tags(clients, stage) == {**own, "team": "board"}
    secrets.retag(clients, stage, Retagging({"cost": "42"}, ("team",)))
    assert secret_tags(clients, stage) == {**own, "cost": "42"}


def test_a_certificate_outside_of_a_stack_has_the_files_tags(clients: Clients, tmp_path: Path) -> None:
    stage = project(tmp_path, SMALL.replace("[general]", '[general]\ntags = { team = "board" }')).stage("dev")
    certificate = certificates.request(clients, stage, ["www.tagged.example"])
    try:
        listed = clients.acm.list_tags_for_certificate(CertificateArn=certificate.arn)["Tags"]
        tags = {item["Key"]: item["Value"] for item in listed}
        assert tags == {"team": "board", **marks(stage), "pocket:requested": "www.tagged.example"}
    finally:
        certificates.delete(clients, certificate.arn)


def secret_tags(clients: Clients, stage: StageConfig) -> dict[str, str]:
    if stage.secretsmanager.store == "ssm":
        name = stage.generated_variables[0].secret_id
        found = clients.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
        return {item["Key"]: item["Value"] for item in found}
    described = clients.secretsmanager.describe_secret(SecretId=stage.pocket_key)
    return {item["Key"]: item["Value"] for item in described["Tags"]}


def test_the_page_lists_the_types_that_cannot_have_tags(tmp_path: Path) -> None:
    found = project(tmp_path, FULL)
    bodies = (render(inputs(found)).body, render_storage(found.stage("dev"), "123456789012").body)
    kinds = {item["Type"] for body in bodies for item in body["Resources"].values()}
    without = {
        kind
        for kind in kinds
        if not PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-central-1", kind).schema["tagging"]["taggable"]
    }
    assert {kind.removeprefix("AWS::") for kind in without} == {
        "ApiGatewayV2::Integration",
        "ApiGatewayV2::Route",
        "Lambda::Alias",
        "Lambda::EventInvokeConfig",
        "Lambda::Permission",
        "Lambda::Url",
        "Lambda::Version",
        "S3::BucketPolicy",
        "SQS::QueuePolicy",
        "Scheduler::Schedule",
    }
