"""Calls made in advance."""

from __future__ import annotations

import os
import threading

import pytest
from aws_double import AWSDouble

from pocket.errors import AWSCallFailed, SecretUnavailable
from pocket.manifest import Handler, Manifest, SecretVariable, Stage
from pocket.runtime import aws as calls
from pocket.runtime import prefetch, variables

STAGE = Stage(stack_name="s", secrets=(SecretVariable("KEY", "secretsmanager", "mine"),))
MANIFEST = Manifest("board", "eu-west-1", "0", {"dev": STAGE})


def test_result_is_taken_once(aws: AWSDouble) -> None:
    aws.put("mine", "value")
    prefetch.start(MANIFEST, STAGE, os.environ)
    found = prefetch.take()
    assert found is not None
    assert found.secrets == {"KEY": "value"}
    assert prefetch.take() is None
    assert len(aws.calls) == 1


def test_failure_is_raised_by_take_and_not_retried(aws: AWSDouble) -> None:
    prefetch.start(MANIFEST, STAGE, os.environ)
    with pytest.raises(SecretUnavailable) as caught:
        prefetch.take()
    assert caught.value.names == ("KEY",)
    assert prefetch.take() is None
    assert len(aws.calls) == 1


@pytest.mark.parametrize(
    ("stage", "kind", "names"),
    [
        (STAGE, SecretUnavailable, ["KEY"]),
        (
            Stage(stack_name="s", handlers={"web": Handler("x", 30, address=True)}),
            AWSCallFailed,
            ["POCKET_WEB_HOST", "POCKET_WEB_ENDPOINT"],
        ),
    ],
)
def test_calls_that_never_end_time_out_before_init(
    aws: AWSDouble, monkeypatch: pytest.MonkeyPatch, stage: Stage, kind: type[AWSCallFailed], names: list[str]
) -> None:
    forever = threading.Event()
    monkeypatch.setattr(variables, "fetch", lambda *_: forever.wait())
    monkeypatch.setattr(calls, "DEADLINE", 0.1)
    monkeypatch.setattr(prefetch, "GRACE", 0.0)
    prefetch.start(Manifest("board", "eu-west-1", "0", {"dev": stage}), stage, os.environ)
    with pytest.raises(kind) as caught:
        prefetch.take()
    forever.set()
    assert caught.value.code == "NoAnswer"
    assert all(name in caught.value.message for name in names)
    assert "VPC" in caught.value.hint


def test_timeout_is_well_below_that_of_init() -> None:
    assert calls.DEADLINE + prefetch.GRACE <= 6
    assert calls.ATTEMPT < calls.DEADLINE


def test_stage_without_secrets_makes_no_call(aws: AWSDouble) -> None:
    stage = Stage(stack_name="s")
    prefetch.start(Manifest("board", "eu-west-1", "0", {"dev": stage}), stage, os.environ)
    assert prefetch.take() is None
    assert aws.calls == []
