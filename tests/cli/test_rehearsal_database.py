"""Which database a rehearsal uses: its own or the configured one, never the shell's, in every terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deploying import project as project_of

from pocket.cli import rehearsal_database
from pocket.cli.project import local_target
from pocket.config import StageConfig
from pocket.errors import LocalAWSError
from pocket.local import LocalAWS
from pocket.local.postgresql.server import Server

SERVER = "postgres://app:swordfish@db.example.com/shop"
LOOPBACK = "postgres://app:swordfish@127.0.0.1/shop"


@pytest.fixture(autouse=True)
def shell(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


def aws(folder: Path, database_url: str | None = None) -> LocalAWS:
    (folder / "state").mkdir(exist_ok=True)
    return LocalAWS("http://127.0.0.1:1", "id", "secret", {}, folder / "state", folder / "log", 1, database_url)


def stage(folder: Path, more: str = "", name: str = "dev") -> StageConfig:
    text = (
        '[general]\nregion = "eu-central-1"\nstages = ["dev", "other"]\nproject_name = "shop"\n'
        f'[awscontainer.handlers.web]\ncommand = "app.web"\n{more}'
    )
    return project_of(folder, text).stage(name)


@pytest.mark.parametrize("url", [SERVER, LOOPBACK, "sqlite:////home/me/mine.sqlite3"])
def test_the_shells_database_is_ignored_with_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    target = local_target(stage(tmp_path), aws(tmp_path))
    file = str(tmp_path / "state" / "databases" / "dev.sqlite3")
    assert target.environment == {"DATABASE_URL": f"sqlite:///{file}"}
    assert target.own_database == (file, "")
    assert rehearsal_database.described(stage(tmp_path), aws(tmp_path)) == (
        "DATABASE_URL is a SQLite file of this stage; POCKET_LOCAL_DATABASE_URL overrides it."
        " The shell's DATABASE_URL is ignored."
    )


def test_each_stage_has_a_file_of_its_own(tmp_path: Path) -> None:
    running = aws(tmp_path)
    one, other = (local_target(stage(tmp_path, name=name), running) for name in ("dev", "other"))
    assert one.own_database != other.own_database


def test_a_database_declared_in_the_file_is_kept(tmp_path: Path) -> None:
    named = stage(tmp_path, '[awscontainer.secretsmanager.secrets]\nDATABASE_URL = "shop/url"\n')
    assert local_target(named, aws(tmp_path)).environment == {}


def test_every_terminal_uses_the_database_of_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = aws(tmp_path, LOOPBACK)
    declared = stage(tmp_path, '[awscontainer.secretsmanager.secrets]\nDATABASE_URL = "shop/url"\n')
    for config, more in ((stage(tmp_path), {}), (declared, {"POCKET_GIVEN": "DATABASE_URL"})):
        assert local_target(config, running).environment == {"DATABASE_URL": LOOPBACK, **more}
        monkeypatch.setenv(rehearsal_database.VARIABLE, LOOPBACK)


@pytest.mark.parametrize("started_with", [None, SERVER])
def test_a_terminal_with_another_database_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started_with: str | None
) -> None:
    monkeypatch.setenv(rehearsal_database.VARIABLE, LOOPBACK)
    with pytest.raises(LocalAWSError, match="POCKET_LOCAL_DATABASE_URL differs from the one") as refused:
        local_target(stage(tmp_path), aws(tmp_path, started_with))
    assert "swordfish" not in f"{refused.value}{refused.value.hint}"


def test_the_note_names_the_source_of_the_database(tmp_path: Path) -> None:
    declared = stage(tmp_path, '[awscontainer.secretsmanager.secrets]\nDATABASE_URL = "shop/url"\n')
    assert rehearsal_database.described(declared, aws(tmp_path)).startswith("DATABASE_URL is declared in pocket.toml;")
    text = rehearsal_database.described(declared, aws(tmp_path, SERVER))
    assert text == "DATABASE_URL is the POCKET_LOCAL_DATABASE_URL that pocket local was started with."


def test_a_removed_stages_database_is_removed(tmp_path: Path) -> None:
    running: Any = aws(tmp_path)
    local_target(stage(tmp_path), running)
    file = running.state_dir / "databases" / "dev.sqlite3"
    for part in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + part).write_text("data")
    kept = [file.with_name("other.sqlite3"), file.with_name(file.name + ".backup")]
    for path in kept:
        path.write_text("another's")
    assert rehearsal_database.discard(stage(tmp_path), running) == f"Removed the stage's database {file}."
    assert sorted(file.parent.iterdir()) == sorted(kept)
    assert rehearsal_database.discard(stage(tmp_path), running) == ""


def test_a_configured_database_is_kept_with_a_note(tmp_path: Path) -> None:
    text = rehearsal_database.discard(stage(tmp_path), aws(tmp_path, SERVER))
    assert text == "Kept: the database in POCKET_LOCAL_DATABASE_URL."


DATABASE = '[database]\nengine = "postgresql"\nsecret = "{project}/{stage}/url"\n'
SERVER_OF_PROJECT = Server(5544, "18.6", "/programs", "swordfish")


def test_a_stage_with_a_database_uses_the_projects_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", SERVER)
    running = replace(aws(tmp_path), postgresql=SERVER_OF_PROJECT)
    target = local_target(stage(tmp_path, DATABASE), running)
    assert target.environment == {
        "DATABASE_URL": "postgres://pocket:swordfish@127.0.0.1:5544/pocket_dev",
        "POCKET_GIVEN": "DATABASE_URL",
    }
    assert target.own_database == ("pocket_dev", "127.0.0.1:5544")
    assert "swordfish" not in repr(target) + repr(running)
    assert rehearsal_database.described(stage(tmp_path, DATABASE), running) == (
        "DATABASE_URL is the database pocket_dev of the project's own PostgreSQL 18.6 at 127.0.0.1:5544;"
        " POCKET_LOCAL_DATABASE_URL overrides it. The shell's DATABASE_URL is ignored."
    )


def test_the_variable_may_have_another_name(tmp_path: Path) -> None:
    named = stage(tmp_path, f'{DATABASE}[awscontainer.secretsmanager.pocket_secrets]\nMAIN.type = "database_url"\n')
    running = replace(aws(tmp_path), postgresql=SERVER_OF_PROJECT)
    assert local_target(named, running).environment["POCKET_GIVEN"] == "MAIN"
    assert local_target(named, aws(tmp_path, LOOPBACK)).environment == {"MAIN": LOOPBACK, "POCKET_GIVEN": "MAIN"}


def test_a_local_aws_without_a_server_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LocalAWSError, match="started without a PostgreSQL server"):
        local_target(stage(tmp_path, DATABASE), aws(tmp_path))


def test_a_server_is_needed_where_a_stage_has_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[general]\nregion = "eu-central-1"\nstages = ["dev", "other"]\n'
    (tmp_path / "shop").mkdir()
    folder = tmp_path / "shop"
    assert not rehearsal_database.needs_server(project_of(folder, text))
    project = project_of(folder, f'{text}[other.database]\nengine = "postgresql"\nsecret = "url"\n')
    assert rehearsal_database.needs_server(project)
    monkeypatch.setenv(rehearsal_database.VARIABLE, LOOPBACK)
    assert not rehearsal_database.needs_server(project)
