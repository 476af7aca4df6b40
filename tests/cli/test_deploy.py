"""`pocket destroy --local`: the stage's SQLite file goes with the stage."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from deploying import SMALL
from deploying import project as project_of

from pocket.cli import deploy, rehearsal_database
from pocket.cli.project import Destination, local_target
from pocket.config import StageConfig
from pocket.deploy.operate.destroy import Removal
from pocket.errors import DeployError, PlanRefused
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


PREVIEWS = SMALL + '[previews]\npattern = "pr-*"\nfrom = "dev"\nexpire_after = "1 day"\n'


def test_expired_previews_go_and_one_that_is_in_use_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project_of(tmp_path, PREVIEWS)
    monkeypatch.chdir(tmp_path)
    removed: list[tuple[str, bool]] = []

    def destroy(stage: StageConfig, *_: Any, whole: bool, **__: Any) -> None:
        if stage.name == "pr-1":
            raise DeployError("Stage 'pr-1' is locked by ann.")
        removed.append((stage.name, whole))

    day = datetime(2026, 11, 20, tzinfo=UTC)
    monkeypatch.setattr("pocket.deploy.aws.account.account_id", lambda _: "123456789012")
    monkeypatch.setattr("pocket.deploy.stacks.previews.existing", lambda *_: {"pr-2": day, "pr-1": day, "pr-3": LATER})
    monkeypatch.setattr("pocket.deploy.stacks.previews._recorded", lambda *_: day)
    monkeypatch.setattr("pocket.deploy.operate.destroy.destroy", destroy)
    with pytest.raises(typer.Exit) as caught:
        deploy.destroy(expired=True, yes=True)
    assert caught.value.exit_code == 1
    assert removed == [("pr-2", True)]
    assert capsys.readouterr().err.splitlines() == [
        "Preview pr-1 was last deployed at 2026-11-20 00:00 UTC.",
        "error: Stage 'pr-1' is locked by ann.",
        "Preview pr-2 was last deployed at 2026-11-20 00:00 UTC.",
    ]


@pytest.mark.parametrize(("deployed", "removed"), [(True, ["pr-2"]), (False, ["pr-1", "pr-2"])])
def test_a_preview_that_was_deployed_since_the_listing_stays(
    deployed: bool,
    removed: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project_of(tmp_path, PREVIEWS)
    monkeypatch.chdir(tmp_path)
    day = datetime(2026, 11, 20, tzinfo=UTC)
    recorded = dict.fromkeys(["pr-1", "pr-2"], day)
    gone: list[str] = []

    def destroy(stage: StageConfig, *_: Any, confirm: Any, **__: Any) -> None:
        if deployed:
            recorded["pr-1"] = LATER
        if not confirm(Removal("123456789012", "here")):
            raise PlanRefused("Nothing was removed.")
        gone.append(stage.name)

    monkeypatch.setattr("pocket.deploy.aws.account.account_id", lambda _: "123456789012")
    monkeypatch.setattr("pocket.deploy.stacks.previews.existing", lambda *_: dict.fromkeys(recorded, day))
    monkeypatch.setattr(
        "pocket.deploy.stacks.previews._recorded",
        lambda _, bucket: recorded["pr-1" if "pr-1" in bucket else "pr-2"],
    )
    monkeypatch.setattr("pocket.deploy.operate.destroy.destroy", destroy)
    deploy.destroy(expired=True, yes=True)
    assert gone == removed
    assert ("Preview pr-1 was deployed meanwhile, so it stays." in capsys.readouterr().err) is deployed


LATER = datetime(9999, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("options", [{}, {"stage": "dev", "expired": True}, {"expired": True, "with_database": "x"}])
def test_a_stage_or_all_expired_ones_are_destroyed(options: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter):
        deploy.destroy(**options)


def test_without_previews_none_is_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project_of(tmp_path, SMALL)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeployError, match=r"pocket.toml has no \[previews\]"):
        deploy.destroy(expired=True)
