"""`pocket init` on projects as startproject and others write them: what it writes is valid and works."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django import VERSION
from typer.testing import CliRunner

from pocket.cli.app import app
from pocket.config import load
from pocket.errors import ConfigError
from pocket.scaffold import changes, settings
from pocket.scaffold.survey import survey

FACTS = {"region": "eu-central-1", "stage": "dev", "suffix": "0a1b2c"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh project of the installed Django, as the working directory."""
    folder = tmp_path / "my_site"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "django", "startproject", "config", "."], cwd=folder, check=True)
    monkeypatch.chdir(folder)
    return folder


def initialise(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["init", "--region", "eu-central-1", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def python(folder: Path, code: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_file_of_a_fresh_project_is_valid(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert "python -m pip install -r requirements.txt" in initialise("--yes")
    stages = load(project / "pocket.toml").stages
    assert list(stages) == ["local", "dev"]
    assert stages["dev"].project_name == "my-site"
    assert stages["dev"].region == "eu-central-1"
    assert stages["dev"].awscontainer is not None
    assert stages["dev"].awscontainer.gate.path == "/admin/login/"
    written = (project / "requirements.txt").read_text().splitlines()[1:]
    assert written[0] == f"django~={'.'.join(map(str, VERSION[:2]))}.0"
    assert [line.partition(" @ ")[0] for line in written[1:]] == ["django-pocket[s3]", "psycopg[binary]"]
    done = CliRunner().invoke(app, ["check"])
    assert done.exit_code == 0
    assert "Checks found no issues in local, dev" in done.output


def test_files_keep_their_line_ends_links_and_what_they_require(project: Path) -> None:
    path = project / "config/settings.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    path.rename(project / "config/real.py")
    path.symlink_to("real.py")
    (project / "requirements").mkdir()
    (project / "requirements/prod.txt").write_text("django\n")
    (project / ".python-version").write_text("3.12.4\n")
    initialise("--yes")
    assert path.is_symlink()
    assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n")
    assert not (project / "requirements.txt").exists()
    container = load(project / "pocket.toml").stages["dev"].awscontainer
    assert container is not None
    assert (container.python_version, container.requirements) == ("3.12", "requirements/prod.txt")


def test_settings_that_are_not_utf_8_are_refused(project: Path) -> None:
    path = project / "config/settings.py"
    path.write_bytes("# -*- coding: latin-1 -*-\n# café\n".encode("latin-1") + path.read_bytes())
    done = CliRunner().invoke(app, ["init", "--yes"])
    assert isinstance(done.exception, ConfigError)
    assert "not UTF-8" in done.exception.message
    assert not (project / "pocket.toml").exists()


def test_the_settings_of_a_fresh_project_stay_as_they_are_on_the_laptop(project: Path) -> None:
    code = "from django.conf import settings as s; print(s.DEBUG, s.SECRET_KEY, s.ALLOWED_HOSTS, s.DATABASES)"
    before = python(project, code)
    initialise("--yes")
    assert python(project, code) == before


def test_the_settings_of_a_stage_come_from_pocket(project: Path) -> None:
    initialise("--yes")
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "print(s.DEBUG, s.STORAGES['default']['BACKEND'], s.DATABASES['default']['ENGINE'], s.INSTALLED_APPS[-1])"
    )
    found = python(project, code, POCKET_STAGE="dev", POCKET_PLACEHOLDER_SECRETS="1")
    assert found.split() == [
        "False",
        "storages.backends.s3.S3Storage",
        "django.db.backends.sqlite3",
        "pocket.django",
    ]


def test_every_line_of_the_settings_is_kept(project: Path) -> None:
    before = (project / "config/settings.py").read_text().splitlines()
    initialise("--yes")
    after = iter((project / "config/settings.py").read_text().splitlines())
    assert all(line in after for line in before)


def test_the_changes_are_shown_and_nothing_is_written_without_an_answer(project: Path) -> None:
    done = CliRunner().invoke(app, ["init", "--region", "eu-central-1"], input="")
    assert done.exit_code == 1
    assert "+++ b/pocket.toml" in done.output
    assert "+vars().update(get_django_settings())" in done.output
    assert not (project / "pocket.toml").exists()
    assert "pocket" not in (project / "config/settings.py").read_text()


def test_a_second_run_refuses_the_file_that_exists(project: Path) -> None:
    initialise("--yes")
    done = CliRunner().invoke(app, ["init", "--region", "eu-central-1", "--yes"])
    assert isinstance(done.exception, ConfigError)
    assert done.exception.message == "pocket.toml exists already."


def test_a_stage_that_no_file_can_have_is_refused_before_anything_is_written(project: Path) -> None:
    done = CliRunner().invoke(app, ["init", "--region", "eu-central-1", "--stage", "Dev", "--yes"])
    assert isinstance(done.exception, ConfigError)
    assert "Dev" in done.exception.message
    assert not (project / "pocket.toml").exists()


def test_a_folder_without_manage_py_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There is no manage\.py"):
        survey(tmp_path)


def test_a_manage_py_without_settings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text("print()\n")
    with pytest.raises(ConfigError, match="does not set DJANGO_SETTINGS_MODULE"):
        survey(tmp_path)


def test_production_settings_of_wsgi_are_those_of_the_stages(tmp_path: Path) -> None:
    folder = split(tmp_path)
    found = survey(folder)
    assert found.settings_module == "site_.settings.production"
    assert found.secret_key == "DJANGO_SECRET_KEY"
    assert found.has_static_files
    planned = {change.name: change.after for change in changes.plan(found, **FACTS)}
    written = tomllib.loads(planned["pocket.toml"])
    assert written["awscontainer"]["envs"] == {"DJANGO_SETTINGS_MODULE": "site_.settings.production"}
    assert list(written["awscontainer"]["secretsmanager"]["pocket_secrets"]) == ["DJANGO_SECRET_KEY"]
    assert "site_/settings/production.py" in planned


def test_secrets_are_read_before_the_projects_own_settings(tmp_path: Path) -> None:
    text = settings.text(survey(split(tmp_path)))
    assert text.index("set_envs()\n") < text.index("from .base import *")
    assert 'SECRET_KEY = os.environ["SECRET_KEY"]' not in text
    assert text.count("import os\n") == 1


def test_an_api_gets_the_combined_handler(tmp_path: Path) -> None:
    folder = split(tmp_path)
    (folder / "site_/api.py").write_text("from fastapi import FastAPI\n\napi = FastAPI()\n")
    planned = {change.name: change.after for change in changes.plan(survey(folder), **FACTS)}
    written = tomllib.loads(planned["pocket.toml"])
    assert written["awscontainer"]["fastapi"] == {"app": "site_.api:api"}
    assert written["awscontainer"]["handlers"]["web"]["command"].endswith("combined_handler")


def test_a_rehearsal_is_served_over_http(tmp_path: Path) -> None:
    folder = split(tmp_path)
    with (folder / "site_/settings/production.py").open("a") as file:
        file.write("SECURE_SSL_REDIRECT = True\nif SECURE_SSL_REDIRECT:\n    SESSION_COOKIE_SECURE = True\n")
    planned = {change.name: change.after for change in changes.plan(survey(folder), **FACTS)}
    written = tomllib.loads(planned["pocket.toml"])["local"]["awscontainer"]["django"]["settings"]
    assert written == {"SECURE_SSL_REDIRECT": False, "SESSION_COOKIE_SECURE": False}


def test_caches_of_the_projects_own_are_kept(tmp_path: Path) -> None:
    folder = split(tmp_path)
    assert "CACHES = get_caches()" in settings.text(survey(folder))
    with (folder / "site_/settings/base.py").open("a") as file:
        file.write("if True:\n    CACHES = {}\n")
    assert "get_caches" not in settings.text(survey(folder))


def test_production_settings_are_found_beside_those_of_the_laptop(tmp_path: Path) -> None:
    folder = split(tmp_path)
    (folder / "site_/wsgi.py").write_text((folder / "manage.py").read_text())
    assert survey(folder).settings_module == "site_.settings.production"


def test_gitignore_gets_only_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("/.env\n*.pyc")
    assert changes.gitignore(tmp_path) == "/.env\n*.pyc\n.pocket/\n"
    (tmp_path / ".gitignore").write_text(changes.gitignore(tmp_path))
    assert changes.gitignore(tmp_path) == "/.env\n*.pyc\n.pocket/\n"


def split(folder: Path) -> Path:
    """A project with a settings package: manage.py uses `dev`, wsgi.py uses `production`."""
    files = {
        "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings.dev")\n',
        "site_/wsgi.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings.production")\n',
        "site_/__init__.py": "",
        "site_/settings/__init__.py": "",
        "site_/settings/base.py": 'STATIC_URL = "static/"\nINSTALLED_APPS = []\n',
        "site_/settings/dev.py": "from .base import *\n",
        "site_/settings/production.py": (
            '"""Production."""\n\nimport os\n\nfrom .base import *\n\nSECRET_KEY = os.environ["DJANGO_SECRET_KEY"]\n'
        ),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


REQUIRING = """
import os
import environ
env = environ.Env(DEBUG=(bool, False), ADMINS=(list, []))
DEBUG = env("DEBUG")
SECRET_KEY = env("DJANGO_SECRET_KEY")
ADMIN_URL = env("DJANGO_ADMIN_URL")
LIMIT = env.int("LIMIT")
SHOWN = env.bool("SHOWN", default=True)
AWS_ACCESS_KEY_ID = env("DJANGO_AWS_ACCESS_KEY_ID")
MAIL = {"KEY": os.environ["MAILGUN_API_KEY"], "DOMAIN": env.str("MAILGUN_DOMAIN")}
DATABASES = {
    "default": {"HOST": env("POSTGRES_HOST"), "PORT": env.int("POSTGRES_PORT"), "PASSWORD": env("PG_PASSWORD")}
}
if DEBUG:
    TOOLBAR = env("TOOLBAR")
def later():
    return env("LATER")
"""


def test_the_variables_that_settings_need_are_in_the_file(tmp_path: Path) -> None:
    folder = split(tmp_path)
    (folder / "site_/settings/base.py").write_text(REQUIRING)
    found = survey(folder)
    planned = {change.name: change.after for change in changes.plan(found, **FACTS)}
    written = tomllib.loads(planned["pocket.toml"])
    assert written["awscontainer"]["envs"] == {
        "DJANGO_SETTINGS_MODULE": "site_.settings.production",
        "DJANGO_ADMIN_URL": "admin/",
        "LIMIT": "0",
        "MAILGUN_DOMAIN": "example.com",
        "DJANGO_AWS_ACCESS_KEY_ID": "unused",
        "POSTGRES_HOST": "unused",
        "POSTGRES_PORT": "0",
        "PG_PASSWORD": "unused",
    }
    assert written["local"]["awscontainer"]["envs"] == {"MAILGUN_API_KEY": "local"}
    own = written["dev"]["awscontainer"]["secretsmanager"]["secrets"]
    assert own == {"MAILGUN_API_KEY": f"{found.project_name}/dev/mailgun-api-key"}
    assert "AWS_ACCESS_KEY_ID = None" in planned["site_/settings/production.py"]
    assert any("DJANGO_ADMIN_URL, LIMIT, MAILGUN_DOMAIN" in line for line in changes.next_steps(found))
    (folder / "pocket.toml").write_text(planned["pocket.toml"])
    assert list(load(folder / "pocket.toml").stages) == ["local", "dev"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("requirements.txt", "Django==5.1.15\n", "found Django==5.1.15"),
        ("requirements.txt", "wheel\ndjango~=4.2\n", "found django~=4.2"),
        ("pyproject.toml", '[project]\ndependencies = ["django<5.2"]\n', "found django<5.2"),
        ("pyproject.toml", '[project]\ndependencies = ["Django<5.0"]\n', "found Django<5.0"),
        ("requirements.txt", "Django==5.2.1\ndjango-ninja==1.4.1\n", ""),
        ("requirements.txt", "Django>=4.2\n", ""),
    ],
)
def test_a_django_that_pocket_does_not_support_is_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    folder = split(tmp_path)
    (folder / name).write_text(text)
    lines = [line for line in changes.next_steps(survey(folder)) if "Raise Django" in line]
    assert [told in line for line in lines] == ([True] if told else [])
