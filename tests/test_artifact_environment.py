"""Modules that run in Lambda import only what is in the artifact, shown with the packages that the build installs."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_double import AWSDouble
from fresh import HARMLESS, write_manifest
from tiny_project import PYTHON, copy_pocket, write

import pocket
from pocket import naming
from pocket.deploy.build import packages, requirements
from pocket.deploy.build.platforms import Platform
from pocket.manifest import DjangoTables, Handler, SecretVariable, Stage, Storage

PACKAGE = Path(pocket.__file__).parent
OF_THE_COMMAND = {"__main__", "cli", "config", "deploy", "local", "scaffold", "uv_program"}
WITHOUT_A_MANIFEST = {
    ("django/configuration/source.py", "pocket.config"): "reads pocket.toml, which only a checkout has",
    ("django/checks/snapstart.py", "pocket.config"): "reads pocket.toml, which only a checkout has",
}
WITHOUT_AN_API = {
    ("doctor/serving.py", "pocket.fastapi.endpoint_sources"): "serves an API, which only a project with one has"
}
"""Modules that are not in Lambda and that no code path in Lambda imports."""
WITHOUT_A_DRIVER = {
    (
        "django/databases/iam/base.py",
        "pocket.django.databases.iam.base",
    ): "needs PostgreSQL's driver, as its ENGINE does",
    ("django/configuration/databases.py", "psycopg"): "imported for a pool, which is psycopg's",
}

STAGE = Stage(
    stack_name="s",
    handlers={
        "web": Handler(naming.WSGI_HANDLER, 30, address=True),
        "management": Handler(naming.MANAGEMENT_HANDLER, 600),
    },
    secrets=(SecretVariable("SECRET_KEY", "secretsmanager", "mine"),),
    bucket_name="bucket",
    public_dirs=("static",),
    django=DjangoTables(
        storages={"staticfiles": Storage("s3", "static", static=True, manifest=True, options={})},
    ),
)
SETTINGS = """
import environ
from pocket.django.runtime import get_django_settings, set_envs
from pocket.django.utils import get_caches, get_storages

STORAGES = get_storages()
CACHES = get_caches()
env = environ.Env(ALLOWED_HOSTS=(list, []))
set_envs()
SECRET_KEY = env.str("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
INSTALLED_APPS += ["pocket.django"]
vars().update(get_django_settings())
"""


def artifact_packages(folder: Path, wanted: str) -> list[Path]:
    """Folders with the packages that a build installs for these requirements, and a copy of this Pocket."""
    source = copy_pocket(folder)
    write(folder, {"requirements.txt": f"{wanted}\n@ {source.as_uri()}\n".replace("\n@", " @")})
    here = Platform(PYTHON, None, "this machine")
    resolved = requirements.resolve(folder, folder / "requirements.txt", here)
    packages.install(resolved, here, None, folder / "layers")
    return [path / "tree" for path in sorted((folder / "layers").iterdir())]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The packages of a project that has Django, django-environ, static files in S3, and tasks."""
    return artifact_packages(tmp_path_factory.mktemp("bare"), "django\ndjango-environ\ndjango-pocket[s3,tasks]")


@pytest.fixture(scope="module")
def with_api(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The packages of a project with an API."""
    return artifact_packages(tmp_path_factory.mktemp("api"), "django\ndjango-pocket[fastapi,tasks]")


def execute(code: str, folders: list[Path], directory: Path, environ: dict[str, str] | None = None) -> Any:
    """Runs `code` with these folders and its directory only; returns the JSON that it prints last."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=directory,
        env={**HARMLESS, "PYTHONPATH": os.pathsep.join(map(str, [directory, *folders])), **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def run_time_modules(*without: str) -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    return [
        path
        for path in found
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") not in {*OF_THE_COMMAND, *without}
    ]


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, except for types and in a `try` that handles ImportError."""
    tree = ast.parse(path.read_text())
    excused: set[ast.AST] = set()
    for node in ast.walk(tree):
        typing_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        tried = isinstance(node, ast.Try) and any("ImportError" in ast.unparse(item) for item in node.handlers)
        if typing_only or tried:
            excused.update(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and node not in excused:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node not in excused:
            yield node.module or ""


IMPORT = """
import json
import django
from django.conf import settings
apps = ["contenttypes", "auth", "admin", "messages"]
apps = [*(f"django.contrib.{app}" for app in apps), "pocket.django", "pocket.jobs"]
settings.configure(SECRET_KEY="k", INSTALLED_APPS=apps)
django.setup()
from importlib import import_module
from django.core.exceptions import ImproperlyConfigured
failed = {}
for name in json.loads(NAMES):
    try:
        import_module(name)
    except (ImportError, ImproperlyConfigured) as error:
        failed[name] = str(error)
print(json.dumps(failed))
"""


def failing(paths: list[Path], folders: list[Path], directory: Path) -> dict[tuple[str, str], str]:
    """Errors of imports in this environment, by file and imported module, including the import of the file itself."""
    wanted = {
        (path.relative_to(PACKAGE).as_posix(), name) for path in paths for name in {dotted(path), *imported(path)}
    }
    names = json.dumps(sorted({name for _, name in wanted}))
    failed = execute(f"NAMES = {names!r}\n{IMPORT}", folders, directory)
    return {(file, name): failed[name] for file, name in wanted if name in failed}


def test_every_import_of_what_runs_in_lambda_works_with_the_packages_of_a_bare_project(
    bare: list[Path], tmp_path: Path
) -> None:
    lacking = failing(run_time_modules("fastapi"), bare, tmp_path)
    assert lacking.keys() == {*WITHOUT_A_MANIFEST, *WITHOUT_AN_API, *WITHOUT_A_DRIVER}


def test_every_import_of_the_api_works_with_the_packages_of_a_project_with_an_api(
    with_api: list[Path], tmp_path: Path
) -> None:
    assert failing(run_time_modules(), with_api, tmp_path).keys() == WITHOUT_A_DRIVER.keys()


ASKED = """
import json, sys
from pocket.django.lambda_handlers import management_command_handler
class Context:
    aws_request_id = "r"
    def get_remaining_time_in_millis(self):
        return 60_000
print(json.dumps([management_command_handler(event, Context()) for event in EVENTS]))
"""


def test_bare_project_passes_the_gates_inside_lambda(bare: list[Path], tmp_path: Path, aws: AWSDouble) -> None:
    aws.put("mine", "k" * 50)
    write_manifest(tmp_path, STAGE)
    (tmp_path / naming.STATIC_MANIFEST_FILE).write_text('{"paths": {}, "version": "1.1", "hash": ""}')
    started = (
        "from django.core.management import execute_from_command_line as run; run(['', 'startproject', 'mysite', '.'])"
    )
    execute(f"{started}; print('null')", bare, tmp_path)
    with (tmp_path / "mysite" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    events = [
        {"command": "pocket_check", "args": ["--deploy", "--database", "default"], "kwargs": {}},
        {"command": "pocket_migrations", "args": [], "kwargs": {}},
        {"command": "pocket_startup", "args": ["--format", "json", "--runs", "1"], "kwargs": {}},
    ]
    environ = {
        **aws.environ,
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
        "POCKET_STAGE": "dev",
        "POCKET_HOSTS": "web.example",
        "LAMBDA_TASK_ROOT": str(tmp_path),
    }
    answers = execute(f"EVENTS = {events!r}\n{ASKED}", bare, tmp_path, environ)
    assert [(answer["exit_status"], answer["traceback"]) for answer in answers] == [(0, None)] * len(events)
    messages = json.loads(answers[0]["stdout"].splitlines()[-1])
    assert [item for item in messages if item["level"] >= 40 and item["id"] != "pocket.E020"] == []
    assert json.loads(answers[2]["stdout"].splitlines()[-1])["issues"] == []
