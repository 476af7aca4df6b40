"""`pocket plan`: its exit status, its formats and its file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from deploying import SMALL
from deploying import project as project_of
from typer.testing import CliRunner

from pocket.cli import plan
from pocket.cli.app import app
from pocket.cli.project import Destination, aws_target
from pocket.deploy.releases.changes import Changes
from pocket.deploy.releases.saved_plan import SavedPlan
from pocket.deploy.reporting import PlanRow
from pocket.errors import PlanRefused

ROWS = (PlanRow("change", "WebFunction", "AWS::Lambda::Function", "Code"),)
PLAN = SavedPlan("1", "small", "dev", "123456789012", "eu-central-1", "a", "b", "c", Changes(rows=ROWS), 4)
CLUSTER = PlanRow("add", "small-database", "AWS::RDS::DBCluster", early=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = project_of(tmp_path, SMALL)
    place = Destination(project, project.stage("dev"), aws_target(project.stage("dev")))
    monkeypatch.setattr("pocket.cli.project.destination", lambda stage, *, local: place)
    monkeypatch.setattr("pocket.deploy.releases.plan.plan", lambda *_, **__: PLAN)
    return tmp_path


def status(**options: object) -> int:
    with pytest.raises(typer.Exit) as caught:
        plan.plan("dev", **options)  # type: ignore[arg-type] # the command's own options
    return caught.value.exit_code


def test_changes_have_status_2_and_none_0(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status() == 2
    assert capsys.readouterr().out == "  ~  change  WebFunction  AWS::Lambda::Function  Code\n"
    assert status(output="json") == 2
    assert json.loads(capsys.readouterr().out)["changes"]["rows"][0]["name"] == "WebFunction"
    assert status(output="markdown") == 2
    assert "| change | `WebFunction` |" in capsys.readouterr().out
    monkeypatch.setattr("pocket.deploy.releases.plan.plan", lambda *_, **__: replace(PLAN, changes=Changes()))
    assert status() == 0
    assert capsys.readouterr().out == "Stage dev is up to date.\n"


@pytest.mark.parametrize("arguments", [["--stage", "dev", "--format", "xml"], ["--what"], []])
def test_a_misused_command_does_not_end_as_one_with_changes(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["plan", *arguments])
    assert done.exit_code == 1
    assert "Usage: pocket plan" in done.output


def test_a_plan_is_not_written_into_the_artifact(folder: Path) -> None:
    inside, hidden = folder / "plan.json", folder / ".pocket" / "plan.json"
    hidden.parent.mkdir()
    with pytest.raises(PlanRefused, match="would be part of the next artifact"):
        plan.plan("dev", out=inside)
    assert not inside.exists()
    own = folder / "manage.py"
    own.write_text("# of the project\n")
    with pytest.raises(PlanRefused, match="would be part of the next artifact"):
        plan.plan("dev", out=own)
    assert own.read_text() == "# of the project\n"
    assert status(out=hidden) == 2
    assert json.loads(hidden.read_text())["project"] == "small"


def test_a_plan_with_placeholders_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    early = replace(PLAN, changes=Changes(rows=(CLUSTER,)))
    monkeypatch.setattr("pocket.deploy.releases.plan.plan", lambda *_, **__: early)
    with pytest.raises(PlanRefused, match="a deploy first makes or changes small-database"):
        plan.plan("dev", out=folder / ".pocket" / "plan.json")
