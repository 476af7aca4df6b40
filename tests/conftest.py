"""Fixtures for every room: an AWS on loopback, a PostgreSQL server, an environment without the developer's AWS."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from aws_double import AWSDouble
from hypothesis import HealthCheck, settings
from postgres import Postgres, running
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# A busy machine makes a generated case slow, not wrong.
settings.register_profile("pocket", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pocket")

_OWN_STAGES = {"tests/e2e/test_gate.py", "tests/e2e/test_local.py"}


class _Scheduling(LoadScopeScheduling):
    """A worker for a file; the journeys for two, since most of them share a deployed site."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file == "tests/e2e/test_tutorial.py":
            return file
        if file in _OWN_STAGES:
            return "tests/e2e, own stages"
        return "tests/e2e" if file.startswith("tests/e2e/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Scheduling:
    return _Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The journeys take longest, so they are begun first."""
    items.sort(key=lambda item: (item.get_closest_marker("e2e") is None, item.path.stem != "test_gate"))


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
