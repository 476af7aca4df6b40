"""Fixtures for every room: an AWS double on loopback, a PostgreSQL server, an environment without AWS variables."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from aws_double import AWSDouble
from hypothesis import HealthCheck, settings
from postgres import Postgres, running
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# On a busy machine a generated case may be slow.
settings.register_profile("pocket", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pocket")

# A run in the background may ignore these, and the processes that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

_OWN_STAGES = {"tests/e2e/test_gate.py", "tests/e2e/test_local.py"}


class _Scheduling(LoadScopeScheduling):
    """One worker for each file, two for the journeys, most of which share a deployed site."""

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
    """Runs the journeys first, since they take longest."""
    items.sort(key=lambda item: (item.get_closest_marker("e2e") is None, item.path.stem != "test_gate"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the tables that tests recorded as their property `table`."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "table":
                terminalreporter.write_line(f"{report.nodeid}\n{value}")


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the developer's AWS and Pocket variables from the environment."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "POCKET_")) or name in {"LAMBDA_TASK_ROOT", "SSL_CERT_FILE"}:
            monkeypatch.delenv(name)


@pytest.fixture
def aws(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[AWSDouble]:
    """An AWS double on loopback for this process's calls; a request that botocore's models refuse fails the test."""
    double = AWSDouble()
    for name, value in double.environ.items():
        monkeypatch.setenv(name, value)
    yield double
    double.close()
    assert double.problems == []


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests."""
    with running() as server:
        yield server
