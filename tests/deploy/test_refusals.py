"""What `pocket check` knows of a deploy's refusals: from the project's files, in process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from deploying import SMALL, project
from tiny_project import REPOSITORY, write
from uv import find_uv_bin

from pocket.config import Project, load
from pocket.deploy.build import limits, uv
from pocket.deploy.releases.refusals import Refusals, of_static_files
from pocket.deploy.target import Target

STAGES = SMALL.replace('stages = ["dev"]', 'stages = ["dev", "prd"]')
SOURCES = f'[tool.uv.sources]\ndjango-pocket = {{ path = "{REPOSITORY}" }}\n'


def pyproject(*dependencies: str) -> str:
    wanted = json.dumps(["django-pocket", *dependencies])
    head = '[project]\nname = "site"\nversion = "1"\nrequires-python = ">=3.11"\n'
    return f"{head}dependencies = {wanted}\n{SOURCES}"


def site(folder: Path, *dependencies: str, locked: bool = False) -> Project:
    """A project of two stages with a pyproject.toml, and its lock on request."""
    write(folder, {"pocket.toml": STAGES, "pyproject.toml": pyproject(*dependencies)})
    if locked:
        subprocess.run([find_uv_bin(), "lock", "-q"], cwd=folder, check=True)
    return load(folder / "pocket.toml")


def messages(project: Project) -> list[list[str]]:
    """The messages for each stage."""
    found = Refusals(project, lint=False)
    return [[str(error) for error in found.of(stage)] for stage in project.stages.values()]


def test_a_lock_is_read_once_for_all_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = site(tmp_path, "django<5", locked=True)
    calls: list[object] = []
    real = uv.run
    monkeypatch.setattr(uv, "run", lambda *args, **more: calls.append(args) or real(*args, **more))
    for (message,) in messages(project):
        assert message.startswith("The project's requirements resolve to Django 4.2.")
    assert len(calls) == 2
    write(tmp_path, {"pyproject.toml": pyproject("django<5", "six")})
    for (message,) in messages(project):
        assert "needs to be updated" in message
    assert len(calls) == 4, "the two of the lock, asked at once, and then of the lock that does not fit"


def test_an_attribute_that_a_resource_lacks_is_found_without_asking_for_cfn_lint(tmp_path: Path) -> None:
    permission = '[[awscontainer.permissions]]\nactions = ["sqs:SendMessage"]\nresources = ["${WorkerFunction.Nope}"]\n'
    found = project(tmp_path, SMALL + permission.replace("awscontainer.", "awscontainer.handlers.web."))
    write(tmp_path, {"requirements.txt": "django-pocket\n"})
    [error] = Refusals(found, lint=False).of(found.stage("dev"))
    assert "WorkerFunction.Nope" in error.message or "'Nope' is not one of" in error.message


def test_files_over_lambdas_limit_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = site(tmp_path)
    write(tmp_path, {"large.txt": "x" * 3_000_000})
    monkeypatch.setattr(limits, "LIMIT", 2_000_000)
    for (message,) in messages(project):
        assert "The largest files: large.txt (2.9 MB)" in message


SETTINGS = """
import os
from pocket.django.utils import get_storages

SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.staticfiles", "pocket.django"]
STATIC_URL = "static/"
STATICFILES_DIRS = [os.path.join(os.path.dirname(__file__), "assets")]
STORAGES = get_storages()
"""
STATIC = """
[awscontainer.django.storages]
staticfiles = { store = "s3", location = "static", static = true, manifest = true }
"""


def test_a_style_that_refers_to_a_missing_file_is_found(tmp_path: Path) -> None:
    files = {
        "pocket.toml": f'{SMALL}{STATIC}[awscontainer.envs]\nDJANGO_SETTINGS_MODULE = "its_settings"\n',
        "its_settings.py": SETTINGS,
        "assets/site.css": 'a { background: url("no.png") }',
    }
    write(tmp_path, files)
    project = load(tmp_path / "pocket.toml")
    before = sorted(tmp_path.rglob("*"))
    [error] = of_static_files(project, project.stage("dev"), Target("eu-central-1"))
    assert "while site.css was processed" in error.message
    assert "Correct the reference in site.css" in error.hint
    assert sorted(tmp_path.rglob("*")) == before
