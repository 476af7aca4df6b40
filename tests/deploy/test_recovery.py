"""A stack whose rollback failed: a deploy continues it if the user agrees, and never for a stack of others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from deploying import SMALL, PlanRecorder, project

from pocket.config import StageConfig
from pocket.deploy.aws.session import Clients
from pocket.deploy.stacks.ownership import recovered_state
from pocket.deploy.target import Credentials, Target
from pocket.deploy.template.marks import marks
from pocket.errors import StackFailed

NAME = "pocket-dev-small"


@pytest.fixture
def stage(tmp_path: Path) -> StageConfig:
    return project(tmp_path / "small", SMALL).stage("dev")


@pytest.fixture
def clients() -> Clients:
    return Clients(Target("eu-central-1", credentials=Credentials("AKIDEXAMPLE", "secret")))


@pytest.fixture
def aws(clients: Clients) -> Iterator[Stubber]:
    """CloudFormation, whose requests and answers botocore holds against its model."""
    with Stubber(clients.cloudformation) as stubber:
        yield stubber


def described(status: str, stage: StageConfig, **tags: str) -> dict[str, Any]:
    found = {**marks(stage), **tags}
    stack = {
        "StackName": NAME,
        "StackId": f"arn:{NAME}",
        "StackStatus": status,
        "StackStatusReason": "Role r was deleted",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "Tags": [{"Key": key, "Value": value} for key, value in found.items()],
    }
    return {"Stacks": [stack]}


def stuck(aws: Stubber, stage: StageConfig, **tags: str) -> None:
    # Read for the state, and for what to do.
    for _ in range(2):
        aws.add_response("describe_stacks", described("UPDATE_ROLLBACK_FAILED", stage, **tags), {"StackName": NAME})


def continued(aws: Stubber, stage: StageConfig, status: str) -> None:
    aws.add_response("describe_stack_events", {"StackEvents": []})
    aws.add_response("continue_update_rollback", {}, {"StackName": f"arn:{NAME}"})
    aws.add_response("describe_stacks", described(status, stage))
    aws.add_response("describe_stack_events", {"StackEvents": []})


def test_a_failed_rollback_is_continued_if_the_user_agrees(aws: Stubber, clients: Clients, stage: StageConfig) -> None:
    stuck(aws, stage)
    continued(aws, stage, "UPDATE_ROLLBACK_COMPLETE")
    aws.add_response("describe_stacks", described("UPDATE_ROLLBACK_COMPLETE", stage))
    aws.add_response("get_template", {"TemplateBody": "{}"})
    recorder = PlanRecorder(agrees_to_all=True)
    found = recovered_state(clients, stage, NAME, recorder, assume_yes=False)
    assert found.stack is not None
    assert found.stack.usable
    assert "Role r was deleted" in recorder.questions[0]
    aws.assert_no_pending_responses()


def test_a_rollback_that_fails_again_is_an_error(aws: Stubber, clients: Clients, stage: StageConfig) -> None:
    stuck(aws, stage)
    continued(aws, stage, "UPDATE_ROLLBACK_FAILED")
    with pytest.raises(StackFailed, match=r"The rollback of stack pocket-dev-small failed again: Role r was deleted"):
        recovered_state(clients, stage, NAME, PlanRecorder(), assume_yes=True)
    aws.assert_no_pending_responses()


def test_nothing_is_continued_without_an_answer(aws: Stubber, clients: Clients, stage: StageConfig) -> None:
    stuck(aws, stage)
    with pytest.raises(
        StackFailed, match="continue-update-rollback --region eu-central-1 --stack-name pocket-dev-small"
    ):
        recovered_state(clients, stage, NAME, PlanRecorder(agrees=False), assume_yes=False)
    aws.assert_no_pending_responses()


def test_a_stack_of_another_project_is_left_alone(aws: Stubber, clients: Clients, stage: StageConfig) -> None:
    stuck(aws, stage, **{"pocket:project": "other"})
    with pytest.raises(StackFailed):
        recovered_state(clients, stage, NAME, PlanRecorder(agrees_to_all=True), assume_yes=True)
    aws.assert_no_pending_responses()
