"""Fixtures for every room: an AWS on loopback, a PostgreSQL server, an environment without the developer's AWS."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from aws_double import AWSDouble
from postgres import Postgres, running


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the developer's own AWS and Pocket variables out of the environment."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "POCKET_")) or name in {"LAMBDA_TASK_ROOT", "SSL_CERT_FILE"}:
            monkeypatch.delenv(name)


@pytest.fixture
def aws(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[AWSDouble]:
    """An AWS on loopback that this process's calls go to; fails the test on a request that botocore's models refuse."""
    double = AWSDouble()
    for name, value in double.environ.items():
        monkeypatch.setenv(name, value)
    yield double
    double.close()
    assert double.problems == []


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL server, one for all tests."""
    with running() as server:
        yield server
