"""Sets Django up once, whichever module is imported first, and explains why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from fresh import run

SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", "notes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""
MODELS = """
from django.db import models


class Note(models.Model):
    text = models.TextField()
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A project with one app, `notes`."""
    (tmp_path / "site_settings.py").write_text(SETTINGS)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "__init__.py").touch()
    (tmp_path / "notes" / "models.py").write_text(MODELS)
    return tmp_path


NAMED = {"DJANGO_SETTINGS_MODULE": "site_settings"}


def test_it_is_set_up_once_in_any_order(site: Path) -> None:
    code = """
import django
from unittest import mock
from pocket.fastapi import create_app, setup
with mock.patch("django.setup", side_effect=django.setup) as called:
    setup()
    setup()
    create_app()
assert called.call_count == 1
from notes.models import Note
"""
    done = run(code, site, NAMED)
    assert done.returncode == 0, done.stderr
    done = run(f"import django\ndjango.setup()\n{code.replace('== 1', '== 0')}", site, NAMED)
    assert done.returncode == 0, done.stderr


def test_the_settings_may_be_an_argument(site: Path) -> None:
    done = run("from pocket.fastapi import setup\nsetup('site_settings')\nimport notes.models", site)
    assert done.returncode == 0, done.stderr
    done = run("from pocket.fastapi import setup\nsetup('site_settings')\nsetup('other')", site)
    assert "Django already uses the settings site_settings; got other." in done.stderr


def test_no_settings_are_named(site: Path) -> None:
    done = run("from pocket.fastapi import create_app\ncreate_app()", site)
    assert "DJANGO_SETTINGS_MODULE is not set" in done.stderr


def test_models_imported_before_the_set_up_name_the_line_that_did_it(site: Path) -> None:
    (site / "web.py").write_text(
        "from notes.models import Note\nfrom pocket.fastapi import create_app\n\napp = create_app()\n"
    )
    code = """
from pocket.django.configuration.setup import imported
imported("web:app")
"""
    done = run(code, site, NAMED)
    assert f"{site / 'web.py'}:1 imports notes.models before Django is set up" in done.stderr
    assert "pocket.fastapi.setup()" in done.stderr


def test_set_up_by_what_the_registry_imports_is_explained(site: Path) -> None:
    (site / "notes" / "models.py").write_text("import web\n" + MODELS)
    (site / "web.py").write_text("from pocket.fastapi import create_app\n\napp = create_app()\n")
    done = run("import django\ndjango.setup()", site, NAMED)
    assert "is imported by django.setup(), and needs Django to be set up" in done.stderr
    assert "models.py:1" in done.stderr
    assert "Traceback" in done.stderr


def test_a_broken_api_names_its_app(site: Path) -> None:
    (site / "notes" / "api.py").write_text("import nowhere\n")
    done = run("from pocket.fastapi import create_app\ncreate_app()", site, NAMED)
    assert "notes.api, the API of the app 'notes', cannot be imported" in done.stderr
    assert "No module named 'nowhere'" in done.stderr
    done = run("from pocket.fastapi import create_app\ncreate_app(discover=False)", site, NAMED)
    assert done.returncode == 0, done.stderr


def test_an_app_may_name_another_module(site: Path) -> None:
    (site / "notes" / "apps.py").write_text(
        "from django.apps import AppConfig\n\n\nclass NotesConfig(AppConfig):\n"
        "    name = 'notes'\n    api_module = 'web.routes'\n"
    )
    (site / "notes" / "web").mkdir()
    (site / "notes" / "web" / "__init__.py").touch()
    (site / "notes" / "web" / "routes.py").write_text(
        "from pocket.fastapi import Router\n\nrouter = Router()\nrouter.add_api_route('/found', lambda: 1)\n"
    )
    (site / "notes" / "api.py").write_text("raise AssertionError('not this one')\n")
    code = "from pocket.fastapi import create_app\nassert '/found' in create_app().openapi()['paths']"
    done = run(code, site, NAMED)
    assert done.returncode == 0, done.stderr


def test_a_router_that_is_not_fastapis_is_left_out(site: Path) -> None:
    (site / "notes" / "api.py").write_text("router = object()\nrouters = 5\n")
    done = run("from pocket.fastapi import create_app\nassert len(create_app().routes) == 4", site, NAMED)
    assert done.returncode == 0, done.stderr


def test_watching_and_notifying_load_no_fastapi(site: Path) -> None:
    code = """
import sys, django
django.setup()
from notes.models import Note
from pocket.fastapi import notify, watch
watch(Note)
assert not {"fastapi", "starlette", "pydantic"} & set(sys.modules)
"""
    done = run(code, site, NAMED)
    assert done.returncode == 0, done.stderr
