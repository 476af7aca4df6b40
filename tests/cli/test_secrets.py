"""`pocket secrets` as typed, against a local AWS of the project's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from deploying import SMALL, project
from typer.testing import CliRunner

from pocket.cli.app import app
from pocket.cli.project import destination
from pocket.deploy.aws.session import Clients
from pocket.errors import DeployError
from pocket.local import start

OWN = '\n[awscontainer.secretsmanager.secrets]\nDATABASE_URL = "acme/database-url"\nTOKEN = "acme/mail#token"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = project(tmp_path_factory.mktemp("acme"), SMALL + OWN).directory
    with start(folder, ["web"]):
        yield folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's folder; no secret exists."""
    monkeypatch.chdir(folder)
    (folder / "pocket.toml").write_text(SMALL + OWN)
    secrets = Clients(destination("dev", local=True).target).secretsmanager
    for item in secrets.list_secrets()["SecretList"]:
        secrets.delete_secret(SecretId=item["Name"], ForceDeleteWithoutRecovery=True)
    return folder


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["secrets", *arguments, "--stage", "dev", "--local"], input=typed)


def test_a_value_from_standard_input_is_set_and_shown_only_on_request(here: Path) -> None:
    done = run("set", "DATABASE_URL", "--yes", typed="postgres://hush\n")
    assert done.exit_code == 0, done.output
    assert "Put DATABASE_URL into secret acme/database-url." in done.output
    assert "hush" not in done.output
    hidden, shown = run("list"), run("list", "--show")
    assert "hush" not in hidden.output
    assert "postgres://hush" in shown.stdout
    lines = [line.split() for line in hidden.stdout.splitlines()]
    assert ["DATABASE_URL", "you", "secret", "acme/database-url", "set"] in lines
    assert ["TOKEN", "you", "secret", "acme/mail#token", "missing"] in lines


def test_nothing_is_set_without_a_confirmation(here: Path) -> None:
    done = run("set", "TOKEN", typed="hush\n")
    assert done.exit_code == 1
    assert "Nothing was changed." in done.output
    assert "secret acme/mail#token" in done.output
    assert "missing" in run("list").stdout


def test_a_preview_that_has_its_sources_secrets_is_said_first(here: Path) -> None:
    text = SMALL + OWN.replace('DATABASE_URL = "acme/database-url"\n', "")
    (here / "pocket.toml").write_text(f'{text}[previews]\npattern = "preview-*"\nfrom = "dev"\n')
    arguments = ["secrets", "set", "TOKEN", "--stage", "preview-1", "--local"]
    done = CliRunner().invoke(app, arguments, input="hush\n")
    assert done.exit_code == 1, done.output
    shared = "warning: TOKEN: the secret acme/mail#token is also read by stage dev."
    assert done.output.index(shared) < done.output.index("Set TOKEN in")
    assert "stage dev reads" not in run("set", "TOKEN", typed="hush\n").output


def test_an_empty_value_is_refused(here: Path) -> None:
    done = run("set", "TOKEN", "--yes")
    assert "Standard input is empty" in str(done.exception)


def test_an_undeclared_name_is_refused_before_a_value_is_read(here: Path) -> None:
    done = run("set", "TOKENS", "--yes", typed="hush\n")
    assert isinstance(done.exception, DeployError)
    assert "TOKENS is not a secret of stage dev" in done.exception.message


def test_a_file_sets_what_the_stage_declares(here: Path, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DEBUG=on\nTOKEN='hush hush'\n")
    done = run("import", str(file), "--yes")
    assert done.exit_code == 0, done.output
    assert "not imported: DEBUG." in done.output
    assert "hush" not in done.output
    assert "hush hush" in run("list", "--show").stdout


def test_a_file_without_a_declared_name_changes_nothing(here: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DEBUG=on\n")
    done = run("import", str(tmp_path / ".env"), "--yes")
    assert done.exit_code == 1
    assert "nothing was changed" in done.output


FORMER = """
[general]
region = "eu-central-1"
stages = ["dev"]
project_name = "old_small"

[awscontainer.secretsmanager]
pocket_key_format = "{prefix}{project}"
[awscontainer.secretsmanager.pocket_secrets]
SECRET_KEY = { type = "password" }
TOKEN = { type = "upstash_redis_url" }
GONE = { type = "password" }
"""


def test_the_secrets_of_magic_pocket_are_copied_once_and_stay_where_they_were(here: Path) -> None:
    secrets = Clients(destination("dev", local=True).target).secretsmanager
    former = {"dev": {"old_small": {"SECRET_KEY": "hush key", "TOKEN": "hush token"}}, "prd": {"old_small": {}}}
    secrets.create_secret(Name="pocket-old_small", SecretString=json.dumps(former))
    secrets.create_secret(Name="acme/mail", SecretString="{}")
    (here / "magic-pocket.toml").write_text(FORMER)
    copy = ["import", "--stage", "dev", "--local"]

    asked = CliRunner().invoke(app, copy)
    assert asked.exit_code == 1
    assert "Nothing was changed." in asked.output
    assert "missing" in run("list").stdout

    done = CliRunner().invoke(app, [*copy, "--yes"])
    assert done.exit_code == 0, done.output
    for line in (
        "Stage dev in",
        "SECRET_KEY: from secret pocket-old_small to secret pocket-dev-small",
        "TOKEN: from secret pocket-old_small to secret acme/mail",
        "Not copied, not a secret of stage dev in pocket.toml: GONE.",
    ):
        assert line in done.output
    assert "hush" not in done.output
    kept = json.loads(secrets.get_secret_value(SecretId="pocket-dev-small")["SecretString"])
    assert kept == {"SECRET_KEY": "hush key", "_generated_by_pocket": ["SECRET_KEY"]}
    assert json.loads(secrets.get_secret_value(SecretId="acme/mail")["SecretString"]) == {"token": "hush token"}
    assert json.loads(secrets.get_secret_value(SecretId="pocket-old_small")["SecretString"]) == former

    again = CliRunner().invoke(app, [*copy, "--yes"])
    assert again.exit_code == 0, again.output
    assert "Pocket has a value already, which stays: SECRET_KEY, TOKEN." in again.output
    assert "There is nothing to copy." in again.output


def test_a_file_that_pocket_accepts_is_read_where_no_other_is_kept(here: Path) -> None:
    secrets = Clients(destination("dev", local=True).target).secretsmanager
    text = SMALL + 'NEWER = { type = "password" }\n' + OWN
    (here / "pocket.toml").write_text(text)
    (here / "magic-pocket.toml").unlink(missing_ok=True)
    found = {"SECRET_KEY": "hush key", "_generated_by_pocket": ["SECRET_KEY"]}
    former = {**found, "dev": {"small": {"NEWER": "hush"}}}
    secrets.create_secret(Name="pocket-dev-small", SecretString=json.dumps(former))
    done = CliRunner().invoke(app, ["import", "--stage", "dev", "--local", "--yes"])
    assert done.exit_code == 0, done.output
    kept = json.loads(secrets.get_secret_value(SecretId="pocket-dev-small")["SecretString"])
    assert kept == {**former, "NEWER": "hush", "_generated_by_pocket": ["NEWER", "SECRET_KEY"]}


def test_a_former_secret_that_is_no_json_object_is_an_error_without_its_text(here: Path) -> None:
    secrets = Clients(destination("dev", local=True).target).secretsmanager
    secrets.create_secret(Name="pocket-dev-odd", SecretString="hush")
    secrets.create_secret(Name="acme/mail", SecretString="{}")
    text = FORMER.replace("old_small", "odd").replace('pocket_key_format = "{prefix}{project}"', "")
    (here / "odd.toml").write_text(text)
    done = CliRunner().invoke(app, ["import", "odd.toml", "--stage", "dev", "--local", "--yes"])
    assert isinstance(done.exception, DeployError)
    assert "Secret pocket-dev-odd is not a JSON object, so it does not have SECRET_KEY." in done.exception.message
