"""Dead letters are shown, and moved back by name, handler or job; on the local AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deploying import SMALL, project

from pocket.config import StageConfig
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import dead_letters
from pocket.deploy.target import Target
from pocket.errors import DeployError


@pytest.fixture
def stage(tmp_path: Path, clients: Clients) -> Iterator[StageConfig]:
    """A stage of which only the queues exist."""
    found = project(tmp_path, SMALL.replace('project_name = "small"', 'project_name = "letters"')).stage("dev")
    [handler] = [name for name, _ in dead_letters._queues(found, None)]
    names = [found.queue_name(handler, fifo=False), found.dead_letters_name(handler, fifo=False)]
    urls = [clients.sqs.create_queue(QueueName=name)["QueueUrl"] for name in names]
    yield found
    for url in urls:
        clients.sqs.delete_queue(QueueUrl=url)


def handler_of(stage: StageConfig) -> str:
    return dead_letters._queues(stage, None)[0][0]


def put(clients: Clients, stage: StageConfig, name: str, job: str, *, told: bool = True) -> None:
    body = {"task": name, "id": job, "args": []}
    facts = {"PocketJob": job, "PocketName": name, "PocketReason": f"ValueError: {job}", "PocketAttempts": "3"}
    facts["PocketFailedAt"] = "2026-01-01T00:00:00+00:00"
    attributes: Any = {key: {"DataType": "String", "StringValue": value} for key, value in facts.items()}
    url = clients.sqs.get_queue_url(QueueName=stage.dead_letters_name(handler_of(stage), fifo=False))["QueueUrl"]
    clients.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageAttributes=attributes if told else {})


def waiting(clients: Clients, queue: str) -> list[dict[str, Any]]:
    url = clients.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    answer = clients.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
    )
    found: list[Any] = answer.get("Messages", [])
    return found


def test_the_chosen_ones_are_moved_back_with_what_they_carry(
    clients: Clients, target: Target, stage: StageConfig
) -> None:
    put(clients, stage, "bbs.tasks.a", "one")
    put(clients, stage, "bbs.tasks.b", "two", told=False)
    with dead_letters.held(stage, target, handler=None, name="bbs.tasks.a", job=None) as letters:
        assert [(item.job, item.name, item.reason) for item in letters] == [("one", "bbs.tasks.a", "ValueError: one")]
        assert dead_letters.redrive(stage, target, letters) == 1
    [back] = waiting(clients, stage.queue_name(handler_of(stage), fifo=False))
    assert json.loads(back["Body"])["id"] == "one"
    assert back["MessageAttributes"]["PocketFailedAt"]["StringValue"] == "2026-01-01T00:00:00+00:00"
    [left] = waiting(clients, stage.dead_letters_name(handler_of(stage), fifo=False))
    assert json.loads(left["Body"])["id"] == "two"


def test_without_a_yes_all_are_there_again(clients: Clients, target: Target, stage: StageConfig) -> None:
    put(clients, stage, "bbs.tasks.b", "two", told=False)
    with dead_letters.held(stage, target, handler=handler_of(stage), name=None, job="two") as letters:
        assert [(item.name, item.reason, item.attempts) for item in letters] == [("bbs.tasks.b", "", "-")]
        assert waiting(clients, stage.dead_letters_name(handler_of(stage), fifo=False)) == []
    assert len(waiting(clients, stage.dead_letters_name(handler_of(stage), fifo=False))) == 1


def test_the_last_reason_is_the_newest_ones(clients: Clients, stage: StageConfig) -> None:
    queue = stage.dead_letters_name(handler_of(stage), fifo=False)
    put(clients, stage, "bbs.tasks.b", "two", told=False)
    put(clients, stage, "bbs.tasks.a", "one")
    assert dead_letters.last_reason(clients, queue) == ("2026-01-01T00:00:00+00:00", "ValueError: one")
    assert len(waiting(clients, queue)) == 2


def test_a_handler_without_a_queue_is_named(target: Target, stage: StageConfig) -> None:
    with (
        pytest.raises(DeployError, match="'web' has no queue"),
        dead_letters.held(stage, target, handler="web", name=None, job=None),
    ):
        pass
