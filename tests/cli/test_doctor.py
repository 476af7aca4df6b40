"""`pocket doctor` as a user runs it: on a small project, on the example, under a stage, over budget."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_project
from board import EXAMPLE, environment

from pocket.doctor.report import saved_reports

URLS = """
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("open"))]
"""


def doctor(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pocket", "doctor", *args],
        cwd=folder,
        env=environment(),
        text=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=180,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    tiny_project.make(tmp_path)
    settings = tmp_path / "site_settings.py"
    text = settings.read_text().partition("assert os.environ")[0]
    settings.write_text(f"{text}ROOT_URLCONF = 'urls'\nALLOWED_HOSTS = ['tiny.example']\n")
    (tmp_path / "urls.py").write_text(URLS)
    return tmp_path


def add(project: Path, text: str) -> None:
    with (project / "pocket.toml").open("a") as file:
        file.write(text)


def test_the_start_on_this_machine_is_shown_and_saved(project: Path) -> None:
    done = doctor(project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("site_settings, no stage, here: Python ")
    assert "GET / returned 200" in done.stdout
    assert "No issues." in done.stdout
    assert saved_reports.last(project, "here", "") is not None
    again = doctor(project, "--compare", "--html", "start.html", "--path", "/missing")
    assert "Compared with the run of" in again.stdout
    assert "GET /missing returned 404" in again.stdout
    assert "<h2>Compared with the run of" in (project / "start.html").read_text()


def test_a_stage_has_its_own_settings_and_not_the_laptops(project: Path) -> None:
    (project / ".env").write_text("")
    settings = project / "site_settings.py"
    nowhere = "assert not [above for above in Path(__file__).resolve().parents if (above / '.env').exists()]"
    settings.write_text(f"{settings.read_text()}from pathlib import Path\n{nowhere}\n")
    done = doctor(project, "--stage", "dev", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["stage"], found["place"], found["issues"]) == ("dev", "here", [])
    names = [item["name"] for item in found["spans"]]
    assert names[0] == "settings"
    assert names[-1] == "first request"


def test_static_files_are_collected_with_a_placeholder_database(project: Path) -> None:
    """The tutorial's stage on the laptop names no database, and its settings read one."""
    settings = project / "site_settings.py"
    settings.write_text(f"{settings.read_text()}import environ\nDATABASES = {{'default': environ.Env().db()}}\n")
    done = doctor(project, "--stage", "dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Collect static files: failed" not in done.stderr
    settings.write_text(f"{settings.read_text()}import sys\nassert 'collectstatic' not in str(sys.argv), 'no files'\n")
    done = doctor(project, "--stage", "dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "AssertionError: no files" in done.stderr


def test_a_read_only_project_is_examined_and_not_saved(project: Path) -> None:
    (project / ".pocket").touch()
    done = doctor(project, "--stage", "dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues." in done.stdout
    assert "Could not save this run for --compare: " in done.stderr
    assert "Traceback" not in done.stderr


def test_issues_fail_the_command_and_have_place_and_hint(project: Path) -> None:
    (project / "notes" / "models.py").write_text(
        "from django.utils.translation import gettext as _\n\nTITLE = _('Notes')\n"
    )
    done = doctor(project, "--stage", "plain")
    assert done.returncode == 1
    assert "gettext-at-import: notes/models.py:3\n" in done.stdout
    assert "  Hint: Use gettext_lazy()" in done.stdout
    assert done.stdout.rstrip().endswith("1 issue.")


def test_a_start_over_budget_fails_the_command(project: Path) -> None:
    add(project, "\n[plain.awscontainer.startup]\nbudget_ms = 1\n")
    done = doctor(project, "--stage", "plain")
    assert done.returncode == 1
    assert "budget_ms is 1." in done.stderr
    assert "No issues." in done.stdout
    assert doctor(project).returncode == 0


def test_remote_needs_a_stage(project: Path) -> None:
    done = doctor(project, "--remote")
    assert done.returncode == 2
    assert "--stage" in done.stderr
    assert doctor(project, "--format", "xml").returncode == 2


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--path", "admin/", "'admin/' does not start with a slash."),
        ("--html", "nowhere/start.html", "Directory nowhere does not exist."),
    ],
)
def test_invalid_options_are_errors_before_the_start(project: Path, option: str, value: str, said: str) -> None:
    done = doctor(project, option, value)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert not (project / ".pocket" / "startup").exists()


def test_an_unknown_stage_is_named(project: Path) -> None:
    done = doctor(project, "--stage", "prd")
    assert done.returncode == 1
    assert 'no stage "prd"' in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_settings_module_is_an_error_with_a_hint(project: Path) -> None:
    (project / "manage.py").unlink()
    done = doctor(project)
    assert done.returncode == 1
    assert "settings module is not known" in done.stderr
    assert "hint: Put manage.py beside pocket.toml" in done.stderr


@pytest.mark.parametrize("stage", [(), ("--stage", "local"), ("--stage", "dev"), ("--stage", "prd")])
def test_the_example_has_no_issues(tmp_path: Path, stage: tuple[str, ...]) -> None:
    folder = tmp_path / "board"
    ignored = shutil.ignore_patterns(".pocket", ".venv", ".env", "db.sqlite3", "__pycache__", "media")
    shutil.copytree(EXAMPLE, folder, ignore=ignored)
    shutil.copy(folder / ".env.example", folder / ".env")
    done = doctor(folder, *stage)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GET / returned 200; no database was queried." in done.stdout
    assert "No issues." in done.stdout
