"""pocket_call_command, and the message that it sends."""

from __future__ import annotations

import datetime as dt
import inspect
import json
from decimal import Decimal

import pytest
from aws_double import AWSDouble
from hypothesis import given
from hypothesis import strategies as st

from pocket.django.commands import queue
from pocket.django.utils import pocket_call_command
from pocket.errors import CommandFailed
from pocket.runtime import sqs

URL = "http://localhost:1/000000000000/board-jobs"


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was called directly; Django's own call_command is tested through the handlers."""
    import django.core.management

    calls: list[object] = []

    def call_command(*args: object, **kwargs: object) -> str:
        calls.append((args, kwargs))
        return "done"

    monkeypatch.setattr(django.core.management, "call_command", call_command)
    return calls


@pytest.fixture
def queued(aws: AWSDouble, monkeypatch: pytest.MonkeyPatch) -> AWSDouble:
    monkeypatch.setenv("POCKET_SQSMANAGEMENT_QUEUEURL", URL)
    monkeypatch.setenv("POCKET_REGION", "eu-west-1")
    return aws


def test_the_arguments_are_the_specifications() -> None:
    parameters = inspect.signature(pocket_call_command).parameters
    assert list(parameters) == ["command", "args", "kwargs", "force_direct", "force_sqs", "queue_key"]
    assert parameters["force_direct"].default is parameters["force_sqs"].default is False
    assert parameters["queue_key"].default == "sqsmanagement"


def test_without_a_queue_the_command_runs_here(no_aws: None, direct: list[object]) -> None:
    assert pocket_call_command("job", args=["a"], kwargs={"key": 1}) == "done"
    assert pocket_call_command("job") == "done"
    assert direct == [(("job", "a"), {"key": 1}), (("job",), {})]


def test_with_a_queue_the_command_is_sent(queued: AWSDouble, direct: list[object]) -> None:
    assert pocket_call_command("job", args=["a"], kwargs={"key": 1}) == "message-1"
    assert direct == []
    [(operation, payload)] = queued.calls
    assert operation == "SendMessage"
    assert payload["QueueUrl"] == URL
    assert json.loads(payload["MessageBody"]) == {"command": "job", "args": ["a"], "kwargs": {"key": 1}}


def test_forced_direct_it_runs_here_with_arguments_that_json_does_not_know(
    queued: AWSDouble, direct: list[object]
) -> None:
    day = dt.date(2026, 1, 1)
    assert pocket_call_command("job", kwargs={"day": day}, force_direct=True) == "done"
    assert queued.calls == []
    assert direct == [(("job",), {"day": day})]


def test_forcing_a_missing_queue_names_the_handler_to_add(no_aws: None) -> None:
    with pytest.raises(CommandFailed, match="POCKET_SQSMANAGEMENT_QUEUEURL") as caught:
        pocket_call_command("job", force_sqs=True)
    assert "[awscontainer.handlers.sqsmanagement]" in caught.value.hint


def test_both_forces_at_once_are_refused(queued: AWSDouble) -> None:
    with pytest.raises(ValueError, match="not both"):
        pocket_call_command("job", force_direct=True, force_sqs=True)


def test_another_queue_can_be_named(queued: AWSDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_MY_JOBS_QUEUEURL", f"{URL}.fifo")
    pocket_call_command("job", queue_key="my-jobs", force_sqs=True)
    assert queued.calls[0][1]["QueueUrl"] == f"{URL}.fifo"
    assert queued.calls[0][1]["MessageGroupId"]


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1: "a"},
        {"a"},
        b"bytes",
        Decimal("1.5"),
        dt.date(2026, 1, 1),
        float("nan"),
        float("inf"),
        object,
        [[(1,)]],
        {"a": {"b": b""}},
    ],
    ids=repr,
)
def test_what_json_does_not_keep_is_refused_before_sending(queued: AWSDouble, value: object) -> None:
    with pytest.raises(TypeError, match=r"args\[1\]"):
        pocket_call_command("job", args=["fine", value])
    with pytest.raises(TypeError, match=r"kwargs\['key'\]"):
        pocket_call_command("job", kwargs={"fine": 1, "key": value})
    assert queued.calls == []


def test_a_string_is_not_a_list_of_arguments(queued: AWSDouble) -> None:
    with pytest.raises(TypeError, match="list of arguments"):
        pocket_call_command("job", args="--all")


@pytest.mark.parametrize(("excess", "fits"), [(0, True), (1, False)])
def test_a_message_over_the_limit_is_refused_with_its_size(queued: AWSDouble, excess: int, fits: bool) -> None:
    empty = len(json.dumps({"command": "job", "args": [""], "kwargs": {}}))
    argument = "x" * (sqs.LARGEST_BODY - empty + excess)
    if fits:
        assert pocket_call_command("job", args=[argument])
        return
    with pytest.raises(ValueError, match=r"1,040,385 bytes.*1,040,384"):
        pocket_call_command("job", args=[argument])
    assert queued.calls == []


def test_without_a_region_the_hint_names_set_envs(queued: AWSDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKET_REGION")
    with pytest.raises(CommandFailed, match="POCKET_REGION"):
        pocket_call_command("job")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(JSON, max_size=3), st.dictionaries(st.text(max_size=4), JSON, max_size=3))
def test_what_is_sent_is_what_arrives(args: list[object], kwargs: dict[str, object]) -> None:
    body = queue._message("job", args, kwargs, sqs.MAX_MESSAGE_SIZE)
    assert body.isascii()
    assert queue.parse(json.loads(body)) == ("job", args, kwargs, False)
