"""`pocket jobs`: what it makes of the answer of a stage's function."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from pocket.cli import project
from pocket.cli.jobs import app
from pocket.deploy.aws import invoke

JOB = {"id": "i", "name": "work", "state": "ready", "attempts": 0, "enqueued_at": "2026-01-01T00:00:00Z", "reason": ""}


def run(monkeypatch: pytest.MonkeyPatch, stdout: str, *arguments: str, stderr: str = "") -> tuple[int, str]:
    """The status and the output where the stage's command writes this; it fails where it writes to `stderr`."""
    answer = SimpleNamespace(stdout=stdout, stderr=stderr, exit_status=int(bool(stderr)), traceback=None)
    monkeypatch.setattr(project, "destination", lambda *_, **__: SimpleNamespace(stage=None, target=None))
    monkeypatch.setattr(invoke, "manage", lambda *_: answer)
    found = CliRunner().invoke(app, [*arguments, "--stage", "dev"])
    assert found.exception is None or isinstance(found.exception, SystemExit)
    return found.exit_code, found.output


@pytest.mark.parametrize("arguments", [("list",), ("show", "i")])
@pytest.mark.parametrize("answer", ["[10,448 bytes before this are only in the log]\nx", "", "[INFO] started\n{}"])
def test_an_answer_that_is_no_list_is_an_error(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], answer: str
) -> None:
    status, output = run(monkeypatch, answer, *arguments)
    assert status == 1
    assert "is not a list of jobs" in output


def test_lines_of_the_project_are_around_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = run(monkeypatch, f"[INFO] started\n{json.dumps([JOB])}\n[INFO] ended\n", "list")
    assert status == 0
    assert output.splitlines()[1].startswith("i ")


def test_those_that_were_not_refused_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    status, output = run(monkeypatch, json.dumps([JOB]), "retry", "i", "j", stderr="CommandError: The job j is ready\n")
    assert status == 1
    assert "2026-01-01" in output
    assert "The job j is ready" in output
