"""Whose a stack is: by its tags, and a stack of an older Pocket by its template; all others are left alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from deploying import PlanRecorder
from gated_site import STAGE, Site

from pocket.config import Project
from pocket.deploy.aws.session import Clients
from pocket.deploy.build.revision import origin
from pocket.deploy.operate import destroy
from pocket.deploy.stacks import ownership
from pocket.deploy.stacks.stack import EventFeed, Stack, State, find, watch
from pocket.deploy.target import Target
from pocket.deploy.template.marks import ORIGIN, PROJECT, marks
from pocket.deploy.template.marks import STAGE as STAGE_TAG
from pocket.errors import DeployError, PlanRefused
from pocket.local import LocalAWS

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}


def owned(site: Site, name: str) -> Project:
    return site.project(stage=STAGE.replace('"gated"', f'"{name}"'))


@pytest.fixture
def site(tmp_path: Path, target: Target, local_aws: LocalAWS) -> Site:
    return Site(tmp_path, target, local_aws)


def create(clients: Clients, name: str, tags: dict[str, str] | None = None, **more: Any) -> None:
    body = {"Resources": {"Theirs": QUEUE}, **more}
    listed = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    made = clients.cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(body), Tags=listed)
    assert watch(clients, EventFeed(clients, made["StackId"]), PlanRecorder()).usable


@pytest.mark.parametrize("name", ["theirs", "theirs-storage"])
def test_a_stack_that_pocket_did_not_make_is_neither_changed_nor_removed(
    site: Site, clients: Clients, name: str
) -> None:
    create(clients, f"pocket-dev-{name}")
    found = owned(site, "theirs")
    recorder = PlanRecorder()
    for attempt in (
        lambda: site.deploy(found, recorder, assume_yes=True),
        lambda: destroy.destroy(found.stage("dev"), site.target, PlanRecorder()),
    ):
        with pytest.raises(DeployError, match=f"Stack pocket-dev-{name} exists and was not made by Pocket") as caught:
            attempt()
        assert "general.project_name" in caught.value.hint
    assert recorder.steps == ["Check the credentials"], "before anything is built"
    kept = clients.cloudformation.describe_stack_resources(StackName=f"pocket-dev-{name}")["StackResources"]
    assert [item["LogicalResourceId"] for item in kept] == ["Theirs"]
    clients.cloudformation.delete_stack(StackName=f"pocket-dev-{name}")


def test_another_projects_stack_of_the_same_name_is_not_changed(site: Site, clients: Clients) -> None:
    create(clients, "pocket-dev-a-b", {PROJECT: "b", STAGE_TAG: "dev-a"})
    with pytest.raises(DeployError, match="belongs to stage 'dev-a' of project 'b'"):
        site.deploy(owned(site, "a-b"))


def test_a_stack_that_another_tool_is_creating_is_not_changed(site: Site, clients: Clients) -> None:
    clients.cloudformation.create_change_set(
        StackName="pocket-dev-planned",
        ChangeSetName="theirs",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Theirs": QUEUE}}),
    )
    with pytest.raises(DeployError, match=r"is being created, but not for stage 'dev'.* change sets: theirs"):
        site.deploy(owned(site, "planned"))


def test_what_pocket_makes_is_marked(site: Site, clients: Clients) -> None:
    found = owned(site, "marked")
    site.deploy(found)
    for name in ("pocket-dev-marked", "pocket-dev-marked-storage"):
        stack = find(clients, name)
        assert stack is not None
        assert marks(found.stage("dev")).items() <= stack.tags.items()
    for bucket in clients.s3.list_buckets()["Buckets"]:
        if "marked" in bucket["Name"]:
            assert ownership.owns_bucket(clients, found.stage("dev"), bucket["Name"])
    removed = destroy.destroy(found.stage("dev"), site.target, PlanRecorder()).removed
    assert "stack pocket-dev-marked" in removed


def test_tags_of_others_on_a_stack_are_kept(site: Site, clients: Clients) -> None:
    found = owned(site, "tagged")
    site.deploy(found)
    stack = find(clients, "pocket-dev-tagged")
    assert stack is not None
    body = clients.cloudformation.get_template(StackName="pocket-dev-tagged")["TemplateBody"]
    tags = {**stack.tags, "cost-centre": "42"}
    clients.cloudformation.update_stack(
        StackName="pocket-dev-tagged",
        TemplateBody=json.dumps({**body, "Description": f"{body['Description']}"}),
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    watch(clients, EventFeed(clients, stack.stack_id), PlanRecorder())
    site.deploy(site.project("B", stage=STAGE.replace('"gated"', '"tagged"')))
    after = find(clients, "pocket-dev-tagged")
    assert after is not None
    assert after.tags["cost-centre"] == "42"
    destroy.destroy(found.stage("dev"), site.target, PlanRecorder())


@pytest.mark.parametrize(
    ("body", "own"),
    [
        ({"Description": "Stage dev of gated, made by Pocket"}, True),
        ({"Description": "Storage of stage dev of gated, made by Pocket"}, True),
        ({"Description": "Stage prd of gated, made by Pocket"}, False),
        ({"Metadata": {"Pocket": {"Live": 1, "Releases": []}}}, True),
        ({"Metadata": {"Pocket": "mine"}}, False),
        ({"Description": "Stage dev of gated"}, False),
        ({}, False),
    ],
)
def test_a_stack_of_an_older_pocket_is_recognized_by_its_template(site: Site, body: dict[str, Any], own: bool) -> None:
    stage, stack = site.project().stage("dev"), Stack("pocket-dev-gated", "arn", "UPDATE_COMPLETE")
    if own:
        ownership.refuse_foreign(stage, stack, body)
    else:
        with pytest.raises(DeployError, match="cannot use it"):
            ownership.refuse_foreign(stage, stack, body)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder: Path, first: str) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", first)
    return folder


def test_the_origin_of_a_project_is_that_of_every_clone_and_of_no_other(tmp_path: Path) -> None:
    ours, theirs = repository(tmp_path / "ours", "ours"), repository(tmp_path / "theirs", "theirs")
    git(tmp_path, "clone", "--quiet", str(ours), "clone")
    git(tmp_path / "clone", "commit", "--quiet", "--allow-empty", "--message", "more")
    assert ownership.same_origin(origin(ours), origin(tmp_path / "clone"))
    assert not ownership.same_origin(origin(ours), origin(theirs))
    (ours / "back end").mkdir()
    assert origin(ours / "back end").startswith("./back_end/ ")
    assert not ownership.same_origin(origin(ours), origin(ours / "back end"))
    git(tmp_path, "clone", "--quiet", "--depth", "1", (tmp_path / "clone").as_uri(), "shallow")
    assert origin(tmp_path / "shallow") == ""
    (tmp_path / "none").mkdir()
    assert origin(tmp_path / "none") == ""


def test_another_project_of_the_same_name_needs_confirmation(
    tmp_path: Path, target: Target, local_aws: LocalAWS
) -> None:
    ours, theirs = repository(tmp_path / "ours", "ours"), repository(tmp_path / "theirs", "theirs")
    first, second = Site(ours, target, local_aws), Site(theirs, target, local_aws)
    first.deploy(owned(first, "backend"))
    recorder = PlanRecorder(agrees_to_all=True)
    with pytest.raises(PlanRefused, match="was deployed from another repository"):
        second.deploy(second.project("B", stage=STAGE.replace('"gated"', '"backend"')), recorder, assume_yes=True)
    assert first.answer() == "A"
    destroy.destroy(owned(first, "backend").stage("dev"), target, PlanRecorder())


def test_a_second_stack_for_the_same_stage_needs_confirmation(
    tmp_path: Path, target: Target, local_aws: LocalAWS
) -> None:
    site = Site(repository(tmp_path / "renamed", "renamed"), target, local_aws)
    site.deploy(owned(site, "before"))
    with pytest.raises(PlanRefused, match="Stack pocket-dev-before is stage 'dev' of this project under another"):
        site.deploy(owned(site, "after"), PlanRecorder(agrees_to_all=True), assume_yes=True)
    assert find(site.clients, "pocket-dev-after") is None
    destroy.destroy(owned(site, "before").stage("dev"), target, PlanRecorder())


def test_the_origin_is_a_tag_that_aws_takes() -> None:
    stage = type("Stage", (), {"project_name": "a", "name": "b"})()
    assert marks(stage, "./ä&b,c/ 0123")[ORIGIN] == "./ä_b_c/ 0123"
    assert ORIGIN not in marks(stage)
    assert ownership.other_origin(None, "./ 0123") == ""
    assert State().stack is None
