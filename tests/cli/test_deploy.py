"""`pocket destroy --local`: the stage's SQLite file goes with the stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from deploying import SMALL
from deploying import project as project_of

from pocket.cli import deploy, rehearsal_database
from pocket.cli.project import Destination, local_target
from pocket.errors import PlanRefused
from pocket.local import LocalAWS


@pytest.fixture
def database(no_aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a stage on a local AWS that is not running."""
    (tmp_path / "state").mkdir()
    aws = LocalAWS("http://127.0.0.1:1", "id", "secret", {}, tmp_path / "state", tmp_path / "log", 1, None)
    project = project_of(tmp_path, SMALL)
    stage = project.stage("dev")
    place = Destination(project, stage, local_target(stage, aws))
    monkeypatch.setattr("pocket.cli.project.destination", lambda stage, *, local: place)
    monkeypatch.setattr("pocket.local.attach", lambda directory: aws)
    file = rehearsal_database.own_file(stage, aws)
    file.write_text("data")
    return file


def test_destroying_a_local_stage_removes_its_database(
    database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pocket.deploy.operate.destroy.destroy", lambda *_, **__: None)
    deploy.destroy("dev", local=True, yes=True)
    assert not database.exists()
    assert capsys.readouterr().err == f"Removed the stage's database {database}.\n"


def test_a_stage_that_is_not_destroyed_keeps_its_database(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PlanRefused("Nothing was removed.")

    monkeypatch.setattr("pocket.deploy.operate.destroy.destroy", refuse)
    with pytest.raises(PlanRefused):
        deploy.destroy("dev", local=True)
    assert database.exists()
