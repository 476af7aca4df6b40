"""What the diagnosis must not do: reach a server, tell a secret, stumble over threads; and its management command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_double import AWSDouble
from fresh import HARMLESS, write_manifest

from pocket import naming
from pocket.doctor.report.model import Report
from pocket.manifest import SecretVariable, Stage

SETTINGS = """
SECRET_KEY = "only for this test"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["shop", "pocket.django"]
ROOT_URLCONF = "urls"
USE_TZ = True
"""
URLS = """
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("open"))]
"""


def write(folder: Path, settings: str = SETTINGS, ready: str = "pass", **files: str) -> None:
    (folder / "settings.py").write_text(settings)
    (folder / "urls.py").write_text(URLS)
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "apps.py").write_text(
        "from django.apps import AppConfig\n\n\nclass ShopConfig(AppConfig):\n    name = 'shop'\n\n"
        f"    def ready(self):\n        {ready}\n"
    )
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)


def run(folder: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**HARMLESS, "DJANGO_SETTINGS_MODULE": "settings", **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def diagnose(folder: Path, **environ: str) -> Report:
    done = run(folder, "-m", "pocket.doctor", "--runs", "1", **environ)
    assert done.returncode == 0, done.stderr
    return Report.from_json(done.stdout)


def test_an_unreachable_postgresql_is_not_needed(tmp_path: Path) -> None:
    database = {"ENGINE": "django.db.backends.postgresql", "HOST": "192.0.2.1", "NAME": "x", "USER": "u"}
    write(
        tmp_path,
        f"{SETTINGS}DATABASES = {{'default': { ({**database, 'ATOMIC_REQUESTS': True})!r}}}\n"
        "INSTALLED_APPS += ['django.contrib.contenttypes', 'django.contrib.auth']\n",
    )
    (tmp_path / "urls.py").write_text(
        URLS.replace('HttpResponse("open")', "HttpResponse(User.objects.count())").replace(
            "urlpatterns", "from django.contrib.auth.models import User\n\nurlpatterns"
        )
    )
    report = diagnose(tmp_path)
    assert report.issues == ()
    assert report.request is not None
    assert (report.request.status, report.request.error) == (200, "")
    assert any(item.module == "psycopg" for item in report.imports())


def test_a_secret_that_an_exception_quotes_is_not_shown(tmp_path: Path, aws: AWSDouble) -> None:
    aws.put("mine", "postgres://u:hunter2secret@db/x")
    aws.put("word", "settings")
    secrets = (("DATABASE_URL", "mine"), ("WORD", "word"))
    stage = Stage(
        stack_name="s", secrets=tuple(SecretVariable(name, "secretsmanager", place) for name, place in secrets)
    )
    manifest = write_manifest(tmp_path, stage)
    write(
        tmp_path,
        f"import os\nfrom pocket.django.runtime import set_envs\nset_envs()\n{SETTINGS}",
        "import os; url = os.environ['DATABASE_URL']; raise ValueError(f'{url} with {url[13:26]}')",
    )
    environ = {**aws.environ, "POCKET_STAGE": "dev", "POCKET_HOSTS": "", "POCKET_MANIFEST": str(manifest)}
    report = diagnose(tmp_path, **environ)
    assert report.stopped == "ready() of shop: ValueError: <DATABASE_URL> with <DATABASE_URL>"
    assert "hunter2" not in report.to_json()
    assert report.spans[0].name == "settings"

    apps = tmp_path / "shop" / "apps.py"
    apps.write_text(
        apps.read_text()
        .replace("raise", "self.again = getattr(self, 'again', 0) + 1; self.fail(")
        .replace("[13:26]}')", "[13:26]}'))")
        + "\n    def fail(self, error):\n        if self.again == 2: raise error\n"
    )
    report = diagnose(tmp_path, **environ)
    assert [item.message for item in report.issues] == [
        "shop: a second ready() fails: ValueError: <DATABASE_URL> with <DATABASE_URL>"
    ]


def test_threads_that_import_and_stay_do_not_disturb(tmp_path: Path) -> None:
    write(
        tmp_path,
        ready="import threading, time; "
        "threading.Thread(target=lambda: (__import__('wave'), time.sleep(3600)), daemon=False).start()",
    )
    report = diagnose(tmp_path)
    assert [(item.id, item.details) for item in report.issues] == [
        ("ready-not-idempotent", ("shop/apps.py:8  threads: 1 more",))
    ]
    assert report.stopped == ""


def test_a_failure_inside_django_has_djangos_message(tmp_path: Path) -> None:
    write(tmp_path, f"{SETTINGS}INSTALLED_APPS += ['django.contrib.admin']\n")
    report = diagnose(tmp_path)
    assert [item.id for item in report.issues] == ["start-failed"]
    assert "ContentType" in report.stopped


def test_an_entry_that_cannot_be_imported_is_found_in_the_settings(tmp_path: Path) -> None:
    write(tmp_path, SETTINGS.replace('"shop"', '"shop",\n"missing"'))
    report = diagnose(tmp_path)
    line = (tmp_path / "settings.py").read_text().splitlines().index('"missing", "pocket.django"]') + 1
    assert [(item.id, item.file, item.line) for item in report.issues] == [("start-failed", "settings.py", line)]
    assert "No module named 'missing'" in report.issues[0].message


def test_a_module_that_is_not_python_is_named_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, ready="import stock", stock="A = 1\ndef f(:\n    pass\n")
    report = diagnose(tmp_path)
    assert [(item.id, item.file, item.line, item.details) for item in report.issues] == [
        ("start-failed", "stock.py", 2, ("def f(:",))
    ]


def test_models_imported_by_an_apps_own_package_are_found_though_django_swallows_the_first_failure(
    tmp_path: Path,
) -> None:
    write(tmp_path)
    (tmp_path / "shop" / "__init__.py").write_text("import shop.stock\n")
    (tmp_path / "shop" / "stock.py").write_text("import json\n\nfrom shop.models import Item\n")
    (tmp_path / "shop" / "models.py").write_text(
        "from django.db import models\n\n\nclass Item(models.Model):\n    pass\n"
    )
    report = diagnose(tmp_path)
    assert [(item.id, item.file, item.line) for item in report.issues] == [
        ("models-in-phase-one", "shop/__init__.py", 1)
    ]


def test_a_lazy_translation_that_is_used_at_import_is_found_and_djangos_own_use_is_not(tmp_path: Path) -> None:
    write(
        tmp_path,
        f"{SETTINGS}INSTALLED_APPS += ['django.contrib.contenttypes', 'django.contrib.auth']\n",
        ready="import labels",
        labels="from django.utils.translation import gettext_lazy as _\n\nfrom django.contrib.auth import forms\n\n"
        "FORM = forms.UserCreationForm\nTITLE = _('Title')\nSHOWN = f'{TITLE}!'\n",
    )
    report = diagnose(tmp_path)
    assert [(item.id, item.file, item.line) for item in report.issues] == [("gettext-at-import", "labels.py", 7)]
    assert "format_lazy()" in report.issues[0].hint


def test_a_translation_in_a_packages_module_is_not_the_projects(tmp_path: Path) -> None:
    write(tmp_path, ready="import thumbnails")
    package = tmp_path / "lib" / "site-packages" / "thumbnails"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from django.utils.translation import gettext as _\nTITLE = _('Title')\n")
    assert diagnose(tmp_path, PYTHONPATH=str(package.parent)).issues == ()
    (package / "__init__.py").rename(tmp_path / "thumbnails.py")
    assert [item.id for item in diagnose(tmp_path).issues] == ["gettext-at-import"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write(
        tmp_path,
        manage="from django.core.management import execute_from_command_line\nimport sys\n"
        "execute_from_command_line(sys.argv)\n",
    )
    return tmp_path


def test_the_command_shows_the_report(shop: Path) -> None:
    done = run(shop, "manage.py", "pocket_startup", "--runs", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("No issues.")


def test_the_command_exits_with_1_for_issues_except_with_json(shop: Path) -> None:
    apps = shop / "shop" / "apps.py"
    apps.write_text(apps.read_text().replace("pass", "import sys; sys.path.append('/nowhere')"))
    assert run(shop, "manage.py", "pocket_startup", "--runs", "1").returncode == 1
    done = run(shop, "manage.py", "pocket_startup", "--runs", "1", "--format", "json")
    assert done.returncode == 0
    assert [item["id"] for item in json.loads(done.stdout)["issues"]] == ["ready-not-idempotent"]


def test_the_command_refuses_an_invalid_path(shop: Path) -> None:
    done = run(shop, "manage.py", "pocket_startup", "--path", "admin/")
    assert (done.returncode, done.stderr) == (1, "CommandError: --path: 'admin/' does not start with a slash.\n")


def test_the_command_examines_the_project_from_any_folder(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    apps = shop / "shop" / "apps.py"
    apps.write_text(apps.read_text().replace("pass", "import sys; sys.path.append('/nowhere')"))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    done = run(elsewhere, str(shop / "manage.py"), "pocket_startup", "--runs", "1", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert [item["file"] for item in json.loads(done.stdout)["issues"]] == ["shop/apps.py"], "from the project's folder"
    assert naming.STAGE_KEY not in done.stdout
