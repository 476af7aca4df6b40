"""Dead letters are shown, and moved back by name, handler or job; on the local AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from deploying import SMALL, project
from typer.testing import CliRunner

from pocket.cli.jobs import app
from pocket.config import StageConfig
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import dead_letters
from pocket.deploy.target import Target
from pocket.errors import DeployError


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path, clients: Clients) -> Iterator[StageConfig]:
    """A stage of which only the queues exist: of FIFO, where the parameter is true."""
    text = SMALL.replace('project_name = "small"', 'project_name = "letters"')
    fifo = getattr(request, "param", False)
    found = project(tmp_path, text.replace("sqs = {}", "sqs = { fifo = true }") if fifo else text).stage("dev")
    [handler] = [name for name, _ in dead_letters._queues(found, None)]
    names = [found.queue_name(handler, fifo=fifo), found.dead_letters_name(handler, fifo=fifo)]
    kind: Any = {"Attributes": {"FifoQueue": "true"}} if fifo else {}
    urls = [clients.sqs.create_queue(QueueName=name, **kind)["QueueUrl"] for name in names]
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
    [(handler, fifo)] = dead_letters._queues(stage, None)
    url = clients.sqs.get_queue_url(QueueName=stage.dead_letters_name(handler, fifo=fifo))["QueueUrl"]
    group: Any = {"MessageGroupId": "pocket", "MessageDeduplicationId": job} if fifo else {}
    told_of = attributes if told else {}
    clients.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageAttributes=told_of, **group)


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
    with dead_letters.held(stage, target, handler=None, name="bbs.tasks.a", job=None) as (letters, _):
        assert [(item.job, item.name, item.reason) for item in letters] == [("one", "bbs.tasks.a", "ValueError: one")]
        assert dead_letters.redrive(stage, target, letters) == 1
    [back] = waiting(clients, stage.queue_name(handler_of(stage), fifo=False))
    assert json.loads(back["Body"])["id"] == "one"
    assert back["MessageAttributes"]["PocketFailedAt"]["StringValue"] == "2026-01-01T00:00:00+00:00"
    [left] = waiting(clients, stage.dead_letters_name(handler_of(stage), fifo=False))
    assert json.loads(left["Body"])["id"] == "two"


def test_without_a_yes_all_are_there_again(clients: Clients, target: Target, stage: StageConfig) -> None:
    put(clients, stage, "bbs.tasks.b", "two", told=False)
    with dead_letters.held(stage, target, handler=handler_of(stage), name=None, job="two") as (letters, _):
        assert [(item.name, item.reason, item.attempts) for item in letters] == [("bbs.tasks.b", "", "-")]
        assert waiting(clients, stage.dead_letters_name(handler_of(stage), fifo=False)) == []
    assert len(waiting(clients, stage.dead_letters_name(handler_of(stage), fifo=False))) == 1


def redrive(monkeypatch: pytest.MonkeyPatch, stage: StageConfig, target: Target, *options: str) -> str:
    place = SimpleNamespace(stage=stage, target=target)
    monkeypatch.setattr("pocket.cli.project.destination", lambda *_, **__: place)
    found = CliRunner().invoke(app, ["redrive", "--stage", "dev", "--yes", *options])
    assert found.exit_code == 0, found.output
    return found.output


@pytest.mark.parametrize("stage", [False, True], indirect=True)
def test_more_than_are_looked_at_in_one_go_are_moved_all_the_same(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, target: Target, stage: StageConfig
) -> None:
    monkeypatch.setattr(dead_letters, "MOST", 10)
    for number in range(12):
        put(clients, stage, "bbs.tasks.a", f"job{number}")
    assert "About 2 messages more could not be looked at" in redrive(
        monkeypatch, stage, target, "--name", "bbs.tasks.b"
    )
    assert "12 messages moved back." in redrive(monkeypatch, stage, target)
    assert redrive(monkeypatch, stage, target) == "No dead letters.\n"


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
