"""`pocket import` as typed: the file is translated, the old one stays, and what is left to do is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pocket.cli.app import app
from pocket.config import load
from pocket.errors import ConfigError

FORMER = """\
[general]
region = "ap-southeast-1"
project_name = "board"
stages = ["dev", "prd"]

[s3]

[awscontainer]
dockerfile_path = "pocket.Dockerfile"

[awscontainer.handlers.wsgi]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = { domain = "board.example.com" }

[awscontainer.secrets.managed]
SECRET_KEY = { type = "password" }

[awscontainer.django.caches]
default = { store = "efs" }
"""


ACCEPTED = """\
[general]
region = "ap-southeast-1"
project_name = "board"
stages = ["dev"]

[s3]

[awscontainer.handlers.wsgi]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = {}

[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = { type = "password" }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pocket.toml").write_text(FORMER)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["import", *arguments])


def test_nothing_is_written_without_an_answer(folder: Path) -> None:
    done = run()
    assert done.exit_code == 1
    assert "No counterpart: awscontainer.django.caches.default.store" in done.output
    assert (folder / "pocket.toml").read_text() == FORMER
    assert not (folder / "magic-pocket.toml").exists()


def test_the_file_is_replaced_and_the_old_one_is_kept(folder: Path) -> None:
    done = run("--yes")
    assert done.exit_code == 0, done.output
    assert (folder / "magic-pocket.toml").read_text() == FORMER
    assert "+[awscontainer.handlers.wsgi]" in done.output
    assert "aws s3 sync s3://dev-board-pocket s3://pocket-dev-board" in done.output
    assert "pocket import magic-pocket.toml --stage prd" in done.output
    assert "Change by hand: prd.awscontainer" not in done.output


def test_what_pocket_would_refuse_of_the_translation_is_said(folder: Path) -> None:
    done = run("--yes")
    assert "Change by hand: awscontainer.handlers.wsgi.apigateway.domain" in done.output
    assert 'The stages dev and prd would share the domain "board.example.com"' in done.output


def test_a_file_of_another_name_is_read_and_stays(folder: Path) -> None:
    (folder / "pocket.toml").rename(folder / "old.toml")
    (folder / "old.toml").write_text(FORMER.replace('domain = "board.example.com"', ""))
    assert run("old.toml", "--yes").exit_code == 0
    assert list(load(folder / "pocket.toml").stages) == ["dev", "prd"]
    assert not (folder / "magic-pocket.toml").exists()
    again = run("old.toml", "--yes")
    assert isinstance(again.exception, ConfigError)
    assert again.exception.message == "pocket.toml exists already."


def test_a_file_that_pocket_accepts_stays_as_it_is(folder: Path) -> None:
    (folder / "pocket.toml").write_text(FORMER.replace('domain = "board.example.com"', ""))
    assert run("--yes").exit_code == 0
    before = (folder / "pocket.toml").read_text()
    again = run("--yes")
    assert again.exit_code == 0
    assert "pocket.toml is valid for Pocket as it is; nothing was changed." in again.output
    assert "Copy the secrets of stage prd: pocket import magic-pocket.toml --stage prd" in again.output
    assert (folder / "pocket.toml").read_text() == before


def test_a_file_of_magic_pocket_that_is_accepted_names_its_secrets(folder: Path) -> None:
    (folder / "pocket.toml").write_text(ACCEPTED)
    done = run()
    assert done.exit_code == 0, done.output
    assert "nothing was changed" in done.output
    assert "Copy the secrets of stage dev: pocket import pocket.toml --stage dev" in done.output
    assert not (folder / "magic-pocket.toml").exists()
