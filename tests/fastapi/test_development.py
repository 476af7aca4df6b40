"""`uvicorn --reload` with `combine`, as the guide has it: site and API in one process, which follows the files."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from fresh import HARMLESS
from waiting import wait_until

SETTINGS = """
SECRET_KEY = "x"
DEBUG = True
ROOT_URLCONF = "urls"
STATIC_URL = "/static/"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.staticfiles", "notes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "cache"}}
"""
URLS = """
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("the site"))]
"""
API = """
from notes.models import Note
from pocket.fastapi import Router, cached_query, schema

router = Router(prefix="/notes")


@router.get("/", response_model=list[schema(Note)])
def notes():
    return Note.objects.all()


newest = cached_query(lambda: Note.objects.order_by("-id").values_list("text", flat=True), watches=[Note], ttl=3600)


@router.get("/newest")
async def newest_notes():
    return await newest()


@router.get("/version")
def version():
    return "VERSION"
"""
MODELS = "from django.db import models\n\n\nclass Note(models.Model):\n    text = models.TextField()\n"
SERVED = "from pocket.fastapi import combine, create_app\n\napplication = combine(create_app(), prefix='/api')\n"
APPS = """
from django.apps import AppConfig


class NotesConfig(AppConfig):
    name = "notes"

    def ready(self):
        from pocket.fastapi import watch

        watch(self.get_model("Note"))
"""
WRITE = """
import django
django.setup()
from notes.models import Note
Note.objects.create(text="second")
"""
FILL = """
import django
django.setup()
from django.core.management import call_command
from notes.models import Note
call_command("migrate", run_syncdb=True, verbosity=0)
Note.objects.create(text="first")
"""


Project = tuple[Path, str, dict[str, str]]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project, the address at which `uvicorn --reload` serves it, and the environment of its processes."""
    app = tmp_path / "notes"
    (app / "static").mkdir(parents=True)
    modules = {"__init__.py": "", "apps.py": APPS, "models.py": MODELS, "api.py": API.replace("VERSION", "one")}
    for name, text in modules.items():
        (app / name).write_text(text)
    (app / "static" / "notes.css").write_text("p {}")
    for name, text in {"site_settings.py": SETTINGS, "urls.py": URLS, "served.py": SERVED}.items():
        (tmp_path / name).write_text(text)
    environ = {
        **HARMLESS,
        "DJANGO_SETTINGS_MODULE": "site_settings",
        "PYTHONPATH": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    subprocess.run([sys.executable, "-c", FILL], cwd=tmp_path, env=environ, check=True, timeout=60)
    log = tmp_path / "uvicorn.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "served:application", "--reload", "--port", "0", "--no-use-colors"],
            cwd=tmp_path,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            words = "Uvicorn running on "
            wait_until(lambda: words in log.read_text() or process.poll() is not None, 30)
            assert process.poll() is None, log.read_text()
            yield tmp_path, log.read_text().partition(words)[2].split()[0], environ
        finally:
            process.terminate()
            process.wait(30)


def get(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:  # no process listens between two of them
        return 0, str(error)


def test_site_and_api_are_served_and_follow_their_files(project: Project) -> None:
    folder, address, _ = project
    wait_until(lambda: get(f"{address}/")[0] != 0, 30)
    assert get(f"{address}/") == (200, "the site")
    assert get(f"{address}/api/notes/") == (200, '[{"id":1,"text":"first"}]')
    assert get(f"{address}/static/notes.css") == (200, "p {}")
    assert get(f"{address}/api/notes/version") == (200, '"one"')
    api = folder / "notes" / "api.py"
    api.write_text(API.replace("VERSION", "two"))
    os.utime(api, (api.stat().st_atime, api.stat().st_mtime + 2))
    wait_until(lambda: get(f"{address}/api/notes/version") == (200, '"two"'), 30)
    assert get(f"{address}/api/notes/") == (200, '[{"id":1,"text":"first"}]')


def test_a_write_of_another_process_without_fastapi_is_seen(project: Project) -> None:
    folder, address, environ = project
    wait_until(lambda: get(f"{address}/api/notes/newest") == (200, '["first"]'), 30)
    subprocess.run([sys.executable, "-c", WRITE], cwd=folder, env=environ, check=True, timeout=60)
    wait_until(lambda: get(f"{address}/api/notes/newest") == (200, '["second","first"]'), 30)
