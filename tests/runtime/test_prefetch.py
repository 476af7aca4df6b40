"""Calls sent ahead."""

from __future__ import annotations

import os

from aws_double import AWSDouble

from pocket.manifest import Manifest, SecretVariable, Stage
from pocket.runtime import prefetch

STAGE = Stage(stack_name="s", secrets=(SecretVariable("KEY", "secretsmanager", "mine"),))
MANIFEST = Manifest("board", "eu-west-1", "0", {"dev": STAGE})


def test_the_answer_is_taken_once(aws: AWSDouble) -> None:
    aws.put("mine", "value")
    prefetch.start(MANIFEST, STAGE, os.environ)
    found = prefetch.take()
    assert found is not None
    assert found.secrets == {"KEY": "value"}
    assert prefetch.take() is None
    assert len(aws.calls) == 1


def test_a_failure_is_left_to_the_caller(aws: AWSDouble) -> None:
    prefetch.start(MANIFEST, STAGE, os.environ)
    assert prefetch.take() is None


def test_nothing_is_sent_for_a_stage_without_secrets(aws: AWSDouble) -> None:
    stage = Stage(stack_name="s")
    prefetch.start(Manifest("board", "eu-west-1", "0", {"dev": stage}), stage, os.environ)
    assert prefetch.take() is None
    assert aws.calls == []
