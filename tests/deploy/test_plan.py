from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from deploying import PlanRecorder

from pocket.deploy.aws.session import Clients
from pocket.deploy.reporting import PlanRow
from pocket.deploy.stacks import plan
from pocket.deploy.stacks.deletion import cleared, delete
from pocket.deploy.stacks.failures import failed
from pocket.deploy.stacks.plan import Planned, Plans
from pocket.deploy.stacks.stack import Event, EventFeed, Stack, State, find, state, watch
from pocket.deploy.target import Target
from pocket.deploy.template import Template
from pocket.errors import DeployError, PlanRefused, StackFailed

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}}
LONGER = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}}
BROKEN = {
    "Type": "AWS::Lambda::Url",
    "Properties": {"TargetFunctionArn": "missing", "AuthType": "NONE", "Qualifier": "missing"},
}


def template(outputs: dict[str, Any] | None = None, **resources: Any) -> Template:
    body = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
    return Template({**body, "Outputs": outputs} if outputs else body)


def apply(clients: Clients, name: str, wanted: Template, recorder: PlanRecorder | None = None) -> Stack | None:
    with Plans(clients, recorder or PlanRecorder()) as plans:
        return plans.carry_out(plans.add(name, wanted)).stack


def planned(clients: Clients, name: str, wanted: Template) -> Planned:
    with Plans(clients, PlanRecorder()) as plans:
        return plans.add(name, wanted)


def timeout_of(clients: Clients, name: str) -> str:
    (resource,) = [
        item
        for item in clients.cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        if item["LogicalResourceId"] == "Queue"
    ]
    found = clients.sqs.get_queue_attributes(
        QueueUrl=resource["PhysicalResourceId"], AttributeNames=["VisibilityTimeout"]
    )
    return found["Attributes"]["VisibilityTimeout"]


def test_a_plan_lists_what_is_added_changed_and_removed(clients: Clients) -> None:
    assert planned(clients, "rows", template(Queue=QUEUE)).rows == (PlanRow("add", "Queue", "AWS::SQS::Queue"),)
    apply(clients, "rows", template(Queue=QUEUE, Other=QUEUE))
    rows = planned(clients, "rows", template(Queue=LONGER, New=QUEUE)).rows
    assert set(rows) == {
        PlanRow("change", "Queue", "AWS::SQS::Queue", "VisibilityTimeout"),
        PlanRow("remove", "Other", "AWS::SQS::Queue"),
        PlanRow("add", "New", "AWS::SQS::Queue"),
    }


def test_a_new_fixed_name_is_a_replacement(clients: Clients) -> None:
    apply(clients, "named", template(Queue={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "one"}}))
    wanted = template(Queue={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "two"}})
    (row,) = planned(clients, "named", wanted).rows
    assert (row.action, row.detail) == ("replace", "QueueName")


def test_a_plan_that_is_not_carried_out_leaves_nothing_behind(clients: Clients) -> None:
    planned(clients, "declined", template(Queue=QUEUE))
    assert find(clients, "declined") is None
    apply(clients, "kept", template(Queue=QUEUE))
    planned(clients, "kept", template(Queue=LONGER))
    left = clients.cloudformation.list_change_sets(StackName="kept")["Summaries"]
    assert "AVAILABLE" not in {item["ExecutionStatus"] for item in left}
    assert timeout_of(clients, "kept") == "30"


def test_the_same_template_again_changes_nothing_and_makes_no_change_set(clients: Clients) -> None:
    apply(clients, "same", template(Queue=QUEUE))
    before = find(clients, "same")
    again = planned(clients, "same", template(Queue=QUEUE))
    assert not again.changes
    assert again.before.stack == before


def test_a_stack_that_matches_its_template_needs_no_call_to_aws() -> None:
    body = {"Resources": {"Queue": QUEUE}}
    there = State(Stack("same", "arn", "UPDATE_COMPLETE"), body)
    nobody: Any = None
    same = Plans(nobody, PlanRecorder()).add("same", Template({**body, "Metadata": {"Live": 2}}), since=there)
    assert not same.changes
    assert same.before == there


def test_a_change_set_without_changes_is_not_a_change(clients: Clients) -> None:
    apply(clients, "spaced", template(Queue=QUEUE))
    described = Template({**template(Queue=QUEUE).body, "Description": "the same resources"})
    assert not planned(clients, "spaced", described).changes


def test_each_event_is_reported_once(clients: Clients) -> None:
    recorder = PlanRecorder()
    apply(clients, "told", template(Queue=QUEUE), recorder)
    assert recorder.events.count("CREATE_COMPLETE Queue (AWS::SQS::Queue)") == 1
    later = PlanRecorder()
    apply(clients, "told", template(Queue=LONGER), later)
    assert "UPDATE_COMPLETE Queue (AWS::SQS::Queue)" in later.events
    assert not [event for event in later.events if event.startswith("CREATE")]


def test_a_failed_update_names_the_first_resource_and_leaves_the_stack_as_it_was(clients: Clients) -> None:
    apply(clients, "updated", template(Queue=QUEUE))
    with pytest.raises(StackFailed, match="could not be updated and was rolled back: Broken") as caught:
        apply(clients, "updated", template(Queue=LONGER, Broken=BROKEN))
    assert caught.value.resource == "Broken"
    assert "missing" in caught.value.reason
    assert timeout_of(clients, "updated") == "30"
    assert planned(clients, "updated", template(Queue=LONGER)).changes, "and it can be changed again"


def test_a_failed_creation_is_removed(clients: Clients) -> None:
    with pytest.raises(StackFailed, match="could not be created and was deleted: Broken"):
        apply(clients, "created", template(Queue=QUEUE, Broken=BROKEN))
    assert find(clients, "created") is None


def test_what_a_failed_creation_elsewhere_left_is_removed_first(clients: Clients) -> None:
    text = template(Broken=BROKEN).to_json()
    made = clients.cloudformation.create_stack(StackName="left", TemplateBody=text)
    ended = watch(clients, EventFeed(clients, made["StackId"]), PlanRecorder())
    assert ended.status == "ROLLBACK_COMPLETE"
    recorder = PlanRecorder()
    assert cleared(clients, state(clients, "left"), recorder).stack is None
    assert find(clients, "left") is None
    assert "never completed" in recorder.notes[0]


def test_an_invalid_template_is_refused_before_any_call_to_aws(clients: Clients) -> None:
    with pytest.raises(PlanRefused, match="Colour"):
        planned(clients, "refused", template(Queue={"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}))
    assert find(clients, "refused") is None


def test_a_large_template_waits_for_the_bucket_and_goes_through_it(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "TEMPLATE_LIMIT", 100)
    large = template(Queue=QUEUE)
    clients.s3.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    with Plans(clients, PlanRecorder()) as plans:
        waiting = plans.add("large", large)
        assert waiting.deferred
        assert waiting.rows == (PlanRow("add", "Queue", "AWS::SQS::Queue"),)
        plans.carry_out(plans.add("large", large, bucket="templates"))
    found = find(clients, "large")
    assert found is not None
    assert found.usable


def bucket(name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": {"BucketName": name},
    }


def test_issues_that_cloudformation_finds_before_any_change_are_shown(clients: Clients) -> None:
    clients.s3.create_bucket(Bucket="taken-name", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    with pytest.raises(StackFailed, match=r"was deleted: Bucket: .*taken-name.*already exists") as caught:
        apply(clients, "conflicts", template(Bucket=bucket("taken-name")))
    assert caught.value.resource == "Bucket"
    assert find(clients, "conflicts") is None
    apply(clients, "conflicts", template(Queue=QUEUE))
    with pytest.raises(StackFailed, match="was rolled back: Bucket: "):
        apply(clients, "conflicts", template(Queue=QUEUE, Bucket=bucket("taken-name")))


def test_a_bucket_that_leaves_the_template_is_kept_and_can_be_taken_back(clients: Clients) -> None:
    apply(clients, "adopts", template(Bucket=bucket("outlives-its-stack"), Queue=QUEUE))
    clients.s3.put_object(Bucket="outlives-its-stack", Key="upload", Body=b"x")
    (row,) = planned(clients, "adopts", template(Queue=QUEUE)).rows
    assert (row.action, row.detail) == ("remove", "kept with its content; only `pocket destroy` removes it")
    apply(clients, "adopts", template(Queue=QUEUE))
    assert clients.s3.get_object(Bucket="outlives-its-stack", Key="upload")["Body"].read() == b"x"
    with Plans(clients, PlanRecorder()) as plans:
        again = plans.add("adopts", template(Bucket=bucket("outlives-its-stack"), Queue=QUEUE), adopt=True)
    assert again.rows == (PlanRow("add", "Bucket", "AWS::S3::Bucket", "exists already and is adopted"),)


def test_a_resource_deleted_by_hand_is_named_with_a_hint(clients: Clients) -> None:
    event = Event(
        "1",
        "WebLogs",
        "AWS::Logs::LogGroup",
        "UPDATE_FAILED",
        "The specified log group does not exist.",
        "/aws/lambda/web",
    )
    feed = EventFeed.__new__(EventFeed)
    feed.given = [event]
    error = failed(clients, feed, "Stack s could not be updated", Stack("s", "arn", "UPDATE_ROLLBACK_COMPLETE"))
    assert error.hint.endswith("aws logs create-log-group --region eu-central-1 --log-group-name /aws/lambda/web")
    feed.given = [replace(event, reason="Access denied")]
    error = failed(clients, feed, "Stack s could not be updated", Stack("s", "arn", "UPDATE_ROLLBACK_COMPLETE"))
    assert "deleted outside Pocket" not in error.hint


@pytest.mark.parametrize(
    ("kind", "reason", "told"),
    [
        (
            "AWS::Logs::LogGroup",
            'Resource of type X with identifier {"/properties/LogGroupName":"/aws/lambda/s-web"} already exists.',
            "aws logs delete-log-group --region eu-central-1 --log-group-name /aws/lambda/s-web.",
        ),
        (
            "AWS::Logs::LogGroup",
            "/aws/lambda/s-web already exists in stack arn:x",
            "--log-group-name /aws/lambda/s-web.",
        ),
        ("AWS::Lambda::Function", "s-web already exists", "another general.project_name or general.object_prefix"),
        ("AWS::S3::Bucket", "s-files already exists", "another general.project_name or general.object_prefix"),
    ],
)
def test_a_name_that_something_else_has_comes_with_what_to_do(
    clients: Clients, kind: str, reason: str, told: str
) -> None:
    feed = EventFeed.__new__(EventFeed)
    feed.given = [Event("1", "Web", kind, "CREATE_FAILED", reason, "")]
    error = failed(clients, feed, "Stack s could not be created", Stack("s", "arn", "ROLLBACK_COMPLETE"))
    assert told in error.hint
    assert "already exists" in error.message


def interrupted(clients: Clients, name: str, wanted: Template) -> PlanRecorder:
    """Carries a plan out and presses Ctrl-C at its first event."""
    pressed: list[str] = []

    def press(event: str) -> None:
        if not pressed:
            pressed.append(event)
            raise KeyboardInterrupt

    recorder = PlanRecorder(on_event=press)
    with pytest.raises(KeyboardInterrupt):
        apply(clients, name, wanted, recorder)
    return recorder


def test_ctrl_c_while_a_stack_is_created_removes_it(clients: Clients) -> None:
    recorder = interrupted(clients, "begun", template(Queue=QUEUE))
    assert recorder.notes[0].startswith("Interrupted")
    assert find(clients, "begun") is None


def test_ctrl_c_while_a_stack_is_updated_leaves_it_whole(clients: Clients) -> None:
    apply(clients, "whole", template(Queue=QUEUE))
    interrupted(clients, "whole", template(Queue=LONGER))
    found = find(clients, "whole")
    assert found is not None
    assert found.usable


@pytest.mark.parametrize(
    ("call", "exists"),
    [
        ("get_template", True),
        *itertools.product(["create_change_set", "describe_change_set", "execute_change_set"], [True, False]),
    ],
)
def test_ctrl_c_right_after_any_call_leaves_nothing_behind(target: Target, *, call: str, exists: bool) -> None:
    clients = Clients(target)
    name = f"pressed-{call.replace('_', '-')}-{exists}"
    if exists:
        apply(clients, name, template(Queue=QUEUE))
    cloudformation = clients.cloudformation

    class Pressed:
        """The answer comes, and with it Ctrl-C, before the caller has it."""

        def __getattr__(self, wanted: str) -> Any:
            real = getattr(cloudformation, wanted)
            if wanted != call:
                return real

            def asked(**named: Any) -> None:
                real(**named)
                raise KeyboardInterrupt

            return asked

    pressed = Clients(target)
    vars(pressed)["cloudformation"] = Pressed()
    with pytest.raises(KeyboardInterrupt):
        apply(pressed, name, template(Queue=LONGER))
    found = find(clients, name)
    assert found is None if not exists else found is not None and found.usable
    if exists:
        left = clients.cloudformation.list_change_sets(StackName=name)["Summaries"]
        assert "AVAILABLE" not in {item["ExecutionStatus"] for item in left}


def test_an_empty_stack_in_which_another_deploy_plans_as_well_stays(clients: Clients) -> None:
    with Plans(clients, PlanRecorder()) as first:
        planned = first.add("shared-plan", template(Queue=QUEUE))
        body = template(Queue=QUEUE).to_json()
        clients.cloudformation.create_change_set(
            StackName="shared-plan", ChangeSetName="pocket-other", ChangeSetType="CREATE", TemplateBody=body
        )
        assert planned.changes
    found = find(clients, "shared-plan")
    assert found is not None
    assert found.status == "REVIEW_IN_PROGRESS"
    clients.cloudformation.delete_stack(StackName=found.stack_id)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("UPDATE_IN_PROGRESS", "something else is changing it"),
        ("DELETE_IN_PROGRESS", "something else is changing it"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --region eu-central-1 --stack-name stuck"),
        ("DELETE_FAILED", "`pocket destroy` removes it"),
        ("CREATE_FAILED", "`pocket destroy` removes it"),
    ],
)
def test_a_stack_that_cannot_be_changed_is_an_error_with_a_hint(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, status: str, told: str
) -> None:
    monkeypatch.setattr("pocket.deploy.stacks.stack.find", lambda *_: Stack("stuck", "arn:stuck", status, "a reason"))
    with pytest.raises(DeployError) as caught:
        state(clients, "stuck")
    assert status in caught.value.message
    assert told in str(caught.value)


def test_deleting_waits_until_the_stack_is_gone(clients: Clients) -> None:
    made = apply(clients, "gone", template(Queue=QUEUE))
    assert made is not None
    delete(clients, made, PlanRecorder())
    assert find(clients, "gone") is None
    by_id = find(clients, made.stack_id)
    assert by_id is None or by_id.status == "DELETE_COMPLETE"
