"""The example on a laptop, as its README has it: no AWS, and the settings that `.env.example` gives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "board"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the `.env` that a new developer has."""
    folder = tmp_path_factory.mktemp("examples") / "board"
    left_out = shutil.ignore_patterns(".pocket", ".venv", ".env", "db.sqlite3", "media", "__pycache__")
    shutil.copytree(EXAMPLE, folder, ignore=left_out)
    shutil.copy(folder / ".env.example", folder / ".env")
    return folder


def manage(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` in a process of its own, where warnings are errors."""
    names = {"SECRET_KEY", "DEBUG", "DATABASE_URL", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"}
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in names and not key.startswith(("AWS_", "POCKET_", "DJANGO_"))
    }
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *args],
        cwd=folder,
        env={**kept, **environment},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_its_own_tests_pass(project: Path) -> None:
    done = manage(project, "test")
    assert done.returncode == 0, done.stderr
    assert "\nOK\n" in done.stderr


def test_its_migrations_are_complete(project: Path) -> None:
    done = manage(project, "makemigrations", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_database_is_filled_without_aws(project: Path) -> None:
    for args in (["migrate"], ["load_demo", "--admin-password", "not printed"]):
        done = manage(project, *args)
        assert done.returncode == 0, done.stderr
        assert "not printed" not in done.stdout
    assert (project / "media" / "topics" / "footbridge.jpg").is_file()


def test_without_an_environment_the_error_names_what_is_missing(project: Path) -> None:
    (project / ".env").rename(project / ".env.aside")
    try:
        done = manage(project, "check")
    finally:
        (project / ".env.aside").rename(project / ".env")
    assert done.returncode == 1
    assert "Set the SECRET_KEY environment variable" in done.stderr


@pytest.mark.parametrize("stage", ["local", "dev", "prd"])
def test_the_settings_of_a_stage_are_sound(project: Path, stage: str) -> None:
    done = manage(
        project,
        *("check", "--deploy", "--fail-level", "ERROR"),
        POCKET_STAGE=stage,
        POCKET_PLACEHOLDER_SECRETS="1",
    )
    assert done.returncode == 0, done.stderr


def test_production_has_nothing_that_django_warns_of(project: Path) -> None:
    done = manage(
        project,
        *("check", "--deploy", "--fail-level", "WARNING"),
        POCKET_STAGE="prd",
        POCKET_PLACEHOLDER_SECRETS="1",
        SECRET_KEY="0123456789abcdefghijklmnopqrstuvwxyz" * 2,
        DEBUG="off",
    )
    assert done.returncode == 0, done.stderr
