"""What the doctor asks of a stage's handlers: pages, an API beside them, or an API alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fresh import HARMLESS, write_manifest

from pocket import naming
from pocket.doctor.report.model import Report, Request
from pocket.manifest import Api, Handler, Stage

SETTINGS = """
SECRET_KEY = "only for this test"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["shop", "pocket.django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
ROOT_URLCONF = "urls"
USE_TZ = True
"""
URLS = """
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("open"))]
"""
MODELS = "from django.db import models\n\n\nclass Item(models.Model):\n    pass\n"
API = """
from contextlib import asynccontextmanager
from pocket.fastapi import create_app, orm
from shop.models import Item

@orm
def count() -> int:
    return Item.objects.count()

@asynccontextmanager
async def lifespan(app):
    await count()
    yield

app = create_app(lifespan=lifespan, discover=False)

@app.get("/search")
async def search(text: str) -> str:
    return text

@app.get("/items")
def items() -> int:
    import later
    return Item.objects.count()

@app.get("/{pk}")
async def one(pk: int) -> int:
    return 7 // pk
"""
PHASES = ["settings", "app configs", "models", "ready()"]
PAGES = ["handler", "middleware", "URLconf", "warm-up"]


def diagnose(folder: Path, *options: str, api: str = API, commands: tuple[str, ...]) -> Report:
    """The report of a project with an API, whose stage has handlers with these commands."""
    (folder / "settings.py").write_text(SETTINGS)
    (folder / "urls.py").write_text(URLS)
    (folder / "web.py").write_text(api)
    (folder / "later.py").write_text("")
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "models.py").write_text(MODELS)
    handlers = {f"h{number}": Handler(command, 30) for number, command in enumerate(commands)}
    manifest = write_manifest(folder, Stage(stack_name="s", handlers=handlers, api=Api("web:app", "/api/")))
    stage = {naming.STAGE_KEY: "dev", naming.MANIFEST_KEY: str(manifest), naming.PLACEHOLDER_KEY: "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pocket.doctor", "--runs", "1", *options],
        cwd=folder,
        env={**HARMLESS, "DJANGO_SETTINGS_MODULE": "settings", **stage},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    report = Report.from_json(done.stdout)
    assert (report.issues, report.stopped) == ((), "")
    return report


def names(report: Report) -> list[str]:
    return [span.name for span in report.spans]


def test_an_api_beside_pages_is_imported_and_requested_after_them(tmp_path: Path) -> None:
    report = diagnose(tmp_path, commands=(naming.COMBINED_HANDLER, naming.MANAGEMENT_HANDLER))
    assert names(report) == [*PHASES, *PAGES, "FastAPI", "first request", "first API request"]
    assert report.requests == (Request("/", 200), Request("/api/items", 200))
    phases = {span.name: span for span in report.spans}
    assert {item.name for item in phases["FastAPI"].walk()} >= {"fastapi", "web"}
    assert phases["first API request"].modules >= 1, "the endpoint imports one"


def test_the_request_after_the_first_response_is_not_part_of_the_start(tmp_path: Path) -> None:
    report = diagnose(tmp_path, commands=(naming.COMBINED_HANDLER,))
    assert [span.name for span in report.spans if span not in report.start] == ["first API request"]
    assert report.total_ms == sum(span.ms for span in report.start)
    assert report.modules == sum(span.modules for span in report.start)


def test_a_path_of_the_api_can_be_the_first_request(tmp_path: Path) -> None:
    report = diagnose(tmp_path, "--path", "/api/7", commands=(naming.COMBINED_HANDLER,))
    assert names(report) == [*PHASES, *PAGES, "FastAPI", "first request"]
    assert report.requests == (Request("/api/7", 200),)


def test_a_failed_request_of_the_api_has_its_exception(tmp_path: Path) -> None:
    report = diagnose(tmp_path, "--path", "/api/0", commands=(naming.COMBINED_HANDLER,))
    assert report.requests == (Request("/api/0", 500, "ZeroDivisionError"),)


def test_only_an_api_starts_no_pages(tmp_path: Path) -> None:
    report = diagnose(tmp_path, commands=(naming.FASTAPI_HANDLER,))
    assert names(report) == [*PHASES, "FastAPI", "first request"]
    assert report.requests == (Request("/items", 200),)


def test_an_api_and_pages_in_separate_functions_are_both_requested(tmp_path: Path) -> None:
    report = diagnose(tmp_path, commands=(naming.WSGI_HANDLER, naming.FASTAPI_HANDLER))
    assert report.requests == (Request("/", 200), Request("/items", 200))


def test_an_api_that_no_handler_serves_is_not_imported(tmp_path: Path) -> None:
    report = diagnose(tmp_path, commands=(naming.WSGI_HANDLER,))
    assert names(report) == [*PHASES, *PAGES, "first request"]


def test_what_is_looked_up_for_the_report_is_not_counted(tmp_path: Path) -> None:
    report = diagnose(tmp_path, commands=(naming.COMBINED_HANDLER,))
    imported = {item.module for item in report.imports()}
    assert not imported & {"pocket.fastapi.endpoint_sources", "pocket.config", "pocket.django.configuration.source"}
    gaps = [two.start_ms - one.start_ms - one.ms for one, two in zip(report.spans, report.spans[1:], strict=False)]
    assert max(gaps) < 20
