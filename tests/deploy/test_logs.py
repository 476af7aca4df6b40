from __future__ import annotations

import time
from pathlib import Path

import pytest
from deploying import SMALL, project

from pocket.config import StageConfig
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import logs
from pocket.deploy.stacks import log_groups
from pocket.deploy.stacks.log_groups import Tail
from pocket.deploy.target import Target
from pocket.errors import DeployError


class Group:
    """A handler's log group, to write lines into from a minute ago on; `start` is that moment in milliseconds."""

    def __init__(self, clients: Clients, stage: StageConfig, handler: str, start: int | None = None) -> None:
        self.start = int(time.time() * 1000) - 60_000 if start is None else start
        self._logs = clients.logs
        self._name = f"/aws/lambda/{stage.function_name(handler)}"
        self._logs.create_log_group(logGroupName=self._name)
        self._logs.create_log_stream(logGroupName=self._name, logStreamName="one")

    def write(self, *lines: tuple[int, str]) -> None:
        """Adds lines, each `(milliseconds after the start, text)`."""
        events = [{"timestamp": self.start + after, "message": text} for after, text in lines]
        self._logs.put_log_events(logGroupName=self._name, logStreamName="one", logEvents=events)


@pytest.fixture
def stage(tmp_path: Path, request: pytest.FixtureRequest) -> StageConfig:
    name = request.node.name.replace("_", "-").removeprefix("test-")[:30].strip("-")
    return project(tmp_path, SMALL.replace('"small"', f'"{name}"')).stage("dev")


def lines_of(tail: Tail) -> list[tuple[str, str]]:
    return [(line.handler, line.message) for line in tail.fresh()]


def test_lines_of_all_functions_come_in_the_order_of_their_times(clients: Clients, stage: StageConfig) -> None:
    web = Group(clients, stage, "web")
    worker = Group(clients, stage, "worker", web.start)
    web.write((0, "first"), (20, "third\n"))
    worker.write((10, "second"))
    found = lines_of(Tail(clients, stage, web.start))
    assert found == [("web", "first"), ("worker", "second"), ("web", "third")]


def test_a_line_is_returned_once_after_several_polls(clients: Clients, stage: StageConfig) -> None:
    web = Group(clients, stage, "web")
    web.write((0, "one"))
    tail = Tail(clients, stage, web.start)
    assert lines_of(tail) == [("web", "one")]
    assert lines_of(tail) == []
    web.write((1, "two"))
    assert lines_of(tail) == [("web", "two")]


def test_equal_lines_of_one_moment_are_all_returned(clients: Clients, stage: StageConfig) -> None:
    web = Group(clients, stage, "web")
    web.write((0, "again"), (0, "again"))
    tail = Tail(clients, stage, web.start)
    assert lines_of(tail) == [("web", "again"), ("web", "again")]
    web.write((0, "again"))
    assert lines_of(tail) == [("web", "again")]


def test_a_late_line_is_returned_late(clients: Clients, stage: StageConfig) -> None:
    web = Group(clients, stage, "web")
    web.write((10_000, "prompt"))
    tail = Tail(clients, stage, web.start)
    assert lines_of(tail) == [("web", "prompt")]
    web.write((5_000, "late"))
    assert lines_of(tail) == [("web", "late")]


def test_lines_before_the_start_are_left_out(clients: Clients, stage: StageConfig) -> None:
    web = Group(clients, stage, "web")
    web.write((-10_000, "before"), (0, "since"))
    assert lines_of(Tail(clients, stage, web.start)) == [("web", "since")]


def test_memory_of_returned_lines_is_bounded(clients: Clients, stage: StageConfig) -> None:
    web = Group(clients, stage, "web")
    tail = Tail(clients, stage, web.start)
    for after in range(0, 50_000, 10_000):
        web.write((after, f"at {after}"))
        tail.fresh()
    assert len(tail._given) <= 1 + log_groups.OVERLAP_MS // 10_000


def test_recent_lines_are_those_of_one_handler(clients: Clients, stage: StageConfig) -> None:
    web = Group(clients, stage, "web")
    worker = Group(clients, stage, "worker", web.start)
    web.write((0, "a"), (1, "b"), (2, "c"))
    worker.write((3, "d"))
    assert [line.message for line in log_groups.recent_lines(clients, stage, "web")] == ["a", "b", "c"]


def test_following_returns_new_lines(clients: Clients, stage: StageConfig) -> None:
    web = Group(clients, stage, "web")
    web.write((0, "one"))
    lines = logs.read(stage, clients.target, since=300, follow=True)
    assert next(lines).message == "one"
    web.write((1, "two"))
    assert next(lines).message == "two"


@pytest.mark.parametrize(("text", "expected"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400)])
def test_a_duration_is_a_number_and_a_unit(text: str, expected: int) -> None:
    assert logs.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "1.5h", "5 m", "10w"])
def test_anything_else_is_not_a_duration(text: str) -> None:
    with pytest.raises(DeployError, match="is not a duration"):
        logs.seconds(text)


def test_a_log_group_of_the_users_is_not_looked_for(
    clients: Clients, target: Target, stage: StageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "AWS::Logs::LogGroup"
    named = {"LogGroupName": {"Fn::Sub": "/aws/lambda/${PocketStage}"}}
    resources = {
        "WebLogs": {"Type": kind, "Properties": {"LogGroupName": f"/aws/lambda/{stage.function_name('web')}"}},
        "Mine": {"Type": kind, "Metadata": {"Pocket": "own"}},
        "Other": {"Type": kind, "Properties": named, "Metadata": {"Pocket": "own"}},
    }
    monkeypatch.setattr(logs, "find", lambda *_: object())
    monkeypatch.setattr(logs, "template_of", lambda *_: {"Resources": resources})
    with pytest.raises(DeployError, match=f"no log group /aws/lambda/{stage.function_name('web')}: deleted"):
        list(logs.read(stage, target))
