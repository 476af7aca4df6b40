"""The start-up diagnosis on small projects: each with one issue, which is named, and a sound one with none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from fresh import HARMLESS, write_manifest

from pocket import naming
from pocket.doctor.report.model import Report, Span
from pocket.manifest import Handler, Stage

PROJECTS = Path(__file__).parent.parent / "projects" / "issues"

EXPECTED = {
    "models_in_phase_one": ("models-in-phase-one", "shop/apps.py", "from shop.prices import TAX"),
    "query_at_import": ("query-at-import", "shop/taxes.py", "NAMES = names()"),
    "query_in_models": ("query-at-import", "shop/models.py", "COUNTRIES = list("),
    "query_in_form_choices": ("query-in-form-choices", "shop/forms.py", "forms.ChoiceField("),
    "query_in_ready": ("query-in-ready", "shop/apps.py", "Country.objects.get("),
    "query_in_middleware": ("query-at-start", "shop/middleware.py", "Country.objects.exists()"),
    "gettext_at_import": ("gettext-at-import", "shop/models.py", '_("name")'),
    "gettext_in_phase_one": ("gettext-at-import", "shop/apps.py", '_("Shop")'),
    "registry_not_ready": ("registry-not-ready", "shop/models.py", "apps.get_models()"),
    "script_without_setup": ("script-without-setup", "nightly.py", "from shop.report import count"),
    "circular_import": ("circular-import", "shop/customers.py", "from shop.models import Country"),
    "circular_attribute": ("circular-import", "shop/prices.py", "countries.Country"),
    "ready_not_idempotent": ("ready-not-idempotent", "shop/apps.py", "pre_save.connect("),
    "ready_fails_twice": ("ready-not-idempotent", "shop/apps.py", "admin.site.register("),
    "duplicate_label": ("duplicate-label", "settings.py", '"old.shop"'),
    "duplicate_name": ("duplicate-name", "settings.py", '"shop"'),
    "several_configs": ("several-configs", "shop/apps.py", "class WholesaleConfig"),
    "several_defaults": ("several-configs", "shop/apps.py", "class WholesaleConfig"),
    "namespace_without_path": ("namespace-without-path", "settings.py", '"parts"'),
    "admin_unserved": ("admin-unserved", "settings.py", '"django.contrib.admin"'),
    "start_failed": ("start-failed", "shop/apps.py", '{}["SEK"]'),
}
STARTS_ANYWAY = {
    *("query_at_import", "query_in_form_choices", "query_in_middleware", "gettext_at_import", "script_without_setup"),
    *("ready_not_idempotent", "ready_fails_twice", "several_configs", "admin_unserved", "query_in_models"),
}


def diagnose(directory: Path, environ: Mapping[str, str] | None = None, *options: str) -> Report:
    done = subprocess.run(
        [sys.executable, "-m", "pocket.doctor", "--runs", "1", *options],
        cwd=directory,
        env={**HARMLESS, "PYTHONDONTWRITEBYTECODE": "1", "DJANGO_SETTINGS_MODULE": "settings", **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return Report.from_json(done.stdout)


@pytest.fixture(scope="module")
def sound() -> Report:
    return diagnose(PROJECTS / "sound")


def phase(report: Report, name: str) -> Span:
    return next(span for span in report.spans if span.name == name)


def test_every_broken_project_is_expected_to_show_something() -> None:
    assert {folder.name for folder in PROJECTS.iterdir()} == {*EXPECTED, "sound"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_broken_project_shows_its_issue_and_no_other(name: str) -> None:
    report = diagnose(PROJECTS / name)
    identity, file, text = EXPECTED[name]
    assert [(issue.id, issue.file) for issue in report.issues] == [(identity, file)]
    line = (PROJECTS / name / file).read_text().splitlines()[report.issues[0].line - 1]
    assert text in line
    assert report.issues[0].hint
    assert (report.stopped == "") is (name in STARTS_ANYWAY)


def test_a_sound_project_shows_none(sound: Report) -> None:
    assert sound.issues == ()
    assert sound.stopped == ""
    assert sound.request is not None
    assert (sound.request.status, sound.request.error) == (200, "")


def test_no_database_is_made_or_reached() -> None:
    assert not list(PROJECTS.glob("*/*.sqlite3"))


def test_the_phases_come_in_order_with_every_app_in_each(sound: Report) -> None:
    names = [span.name for span in sound.spans]
    assert names == [
        "settings",
        "app configs",
        "models",
        "ready()",
        "handler",
        "middleware",
        "URLconf",
        "warm-up",
        "first request",
    ]
    apps = [
        "django.contrib.admin",
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.messages",
        "django.contrib.sessions",
        "shop",
        "shared.parts",
    ]
    for name in ("app configs", "models", "ready()"):
        assert [item.name for item in phase(sound, name).children if item.kind == "app"] == apps


def test_time_modules_and_memory_are_counted(sound: Report) -> None:
    for span in sound.spans:
        assert span.ms > 0
        assert sum(child.ms for child in span.children) <= span.ms + 0.01
    assert phase(sound, "settings").modules > 50
    assert sound.memory_kb > 5000
    assert sound.total_ms == pytest.approx(sum(span.ms for span in sound.spans))
    assert sum(1 for span in sound.imports() if span.module == "shop.models") == 1


def test_an_import_has_the_importing_module_and_line(sound: Report) -> None:
    found = {item.module: item for item in sound.imports()}
    assert found["shop.forms"].by == "urls"
    file, _, line = found["shop.forms"].place.rpartition(":")
    assert file == "urls.py"
    assert "from shop.forms import" in (PROJECTS / "sound" / file).read_text().splitlines()[int(line) - 1]
    assert found["shop.forms"].ms >= found["shop.forms"].self_ms


def test_a_cycle_is_drawn_edge_by_edge() -> None:
    issue = diagnose(PROJECTS / "circular_import").issues[0]
    assert issue.message.startswith("shop.models → shop.orders → shop.customers → shop.models:")
    assert [line.split("  ")[0] for line in issue.details] == [
        "shop.models → shop.orders",
        "shop.orders → shop.customers",
        "shop.customers → shop.models",
    ]


def test_what_ready_registers_twice_is_listed_by_line() -> None:
    issue = diagnose(PROJECTS / "ready_not_idempotent").issues[0]
    assert [line.partition("  ")[2] for line in issue.details] == [
        "signal pre_save: 1 more",
        "checks: 1 more",
        "shop.apps.REGISTRY: 1 more",
    ]


def test_models_in_phase_one_show_the_way_to_the_model() -> None:
    issue = diagnose(PROJECTS / "models_in_phase_one").issues[0]
    assert [line.split("  ")[0] for line in issue.details][1:] == [
        "shop.apps → shop.prices",
        "shop.prices → shop.models",
    ]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (naming.WSGI_HANDLER, []),
        (naming.COMBINED_HANDLER, []),
        ("shop.handlers.own", []),
        (naming.MANAGEMENT_HANDLER, ["admin-unserved"]),
        (naming.FASTAPI_HANDLER, ["admin-unserved"]),
    ],
)
def test_a_stage_without_pages_imports_the_admin_for_nothing(tmp_path: Path, command: str, expected: list[str]) -> None:
    manifest = write_manifest(tmp_path, Stage(stack_name="s", handlers={"main": Handler(command, 30)}))
    environ = {naming.STAGE_KEY: "dev", naming.MANIFEST_KEY: str(manifest), naming.PLACEHOLDER_KEY: "1"}
    report = diagnose(PROJECTS / "sound", environ)
    assert [issue.id for issue in report.issues] == expected
    assert report.stage == "dev"


def test_a_request_that_fails_is_not_an_issue_of_the_start() -> None:
    report = diagnose(PROJECTS / "sound", None, "--path", "/nothing-there")
    assert report.issues == ()
    assert report.request is not None
    assert report.request.status == 404


def test_a_process_that_ends_itself_is_reported(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("import os\nos._exit(3)\n")
    done = subprocess.run(
        [sys.executable, "-m", "pocket.doctor"],
        cwd=tmp_path,
        env={**HARMLESS, "DJANGO_SETTINGS_MODULE": "settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "ended with status 3" in done.stderr


def test_settings_that_cannot_be_imported_are_named(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("SECRET_KEY = 'x'\n1 / 0\n")
    report = diagnose(tmp_path)
    assert [(item.id, item.file, item.line) for item in report.issues] == [("start-failed", "settings.py", 2)]
    assert report.stopped == "settings: ZeroDivisionError: division by zero"
