"""The checks in Django's framework: registered once, imported when they run, tagged, silenced, documented."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from checking import Site
from django.conf import settings
from django.core.checks import Tags, registry, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connections
from django.test import override_settings
from fresh import evaluate, run, write_settings

import pocket
from pocket.django.checks.registration import ALL, TAG, register

SOURCE = Path(pocket.__file__).parent
PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "checks.md"
ID = re.compile(r'"(pocket\.[EW]\d{3})"')


def test_a_start_registers_the_checks_and_imports_none_of_them(tmp_path: Path) -> None:
    text = 'SECRET_KEY = "x"\nINSTALLED_APPS = ["django.contrib.contenttypes", "pocket.django"]\n'
    code = """
import sys
import django; django.setup()
from django.apps import apps
from django.core.checks import registry
counts = [len(registry.registry.get_checks(True))]
apps.get_app_config("pocket").ready()
counts.append(len(registry.registry.get_checks(True)))
loaded = sorted(name for name in sys.modules if name.startswith("pocket.django.checks"))
result = [counts[0] == counts[1], loaded]
"""
    assert evaluate(code, tmp_path, write_settings(tmp_path, text)) == [
        True,
        ["pocket.django.checks", "pocket.django.checks.registration"],
    ]


def test_an_issue_in_the_file_stops_other_commands(tmp_path: Path) -> None:
    (tmp_path / "pocket.toml").write_text('[general]\nregion = "eu-west-1"\nstages = ["prd"]\ncolour = "red"\n')
    text = 'SECRET_KEY = "x"\nINSTALLED_APPS = ["django.contrib.contenttypes", "pocket.django"]\n'
    done = run(
        "from django.core.management import execute_from_command_line as run; run(['', 'makemigrations', '--check'])",
        tmp_path,
        write_settings(tmp_path, text),
    )
    assert done.returncode == 1
    assert "pocket.toml:4: (pocket.E002) general.colour: Unknown key." in done.stderr


def test_every_check_has_pockets_tag_and_can_be_imported(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKET_STAGE")
    for check, tags, _ in ALL:
        assert check.tags == tags
        assert TAG in tags
        assert check(app_configs=None, databases=None) == []
        assert check in registry.registry.get_checks(True)


def test_every_check_takes_what_is_to_come(site: Site) -> None:
    for check, _, _ in ALL:
        assert isinstance(check(app_configs=None, databases=None, something_of_a_later_django=True), list)


def test_without_aliases_no_check_uses_a_connection(site: Site) -> None:
    connections["default"].close()
    run_checks(tags=[TAG], include_deployment_checks=True, databases=None)
    assert connections["default"].connection is None


def test_only_checks_that_query_databases_have_that_tag(site: Site) -> None:
    asking = [check.function.rpartition(".")[2] for check, tags, _ in ALL if Tags.database in tags]
    assert asking == ["connections_suffice", "cache_tables"]


def test_djangos_own_tags_stand_beside_pockets(site: Site) -> None:
    used = {tag for _, tags, _ in ALL for tag in tags}
    ours = {Tags.security, Tags.database, Tags.files, Tags.caches, Tags.urls, Tags.staticfiles, Tags.async_support}
    assert ours <= used
    of_django = {str(getattr(Tags, name)) for name in vars(Tags) if not name.startswith("_")}
    assert used - of_django <= {"pocket", "fastapi", "mail", "tasks"}


def test_deployment_checks_need_the_option(site: Site) -> None:
    with override_settings(DEBUG=True):
        assert [item.id for item in run_checks(tags=[TAG])] == []
        assert "pocket.E044" in [item.id for item in run_checks(tags=[TAG], include_deployment_checks=True)]


def test_an_error_stops_the_command_and_silence_lets_it_go_on(site: Site) -> None:
    with override_settings(DEBUG=True, **SOUND):
        with pytest.raises(SystemCheckError, match=r"\(pocket\.E044\) DEBUG is on in a deployed stage"):
            call_command("check", "--tag", TAG, "--deploy")
        with override_settings(SILENCED_SYSTEM_CHECKS=["pocket.E044"]):
            output = StringIO()
            call_command("check", "--tag", TAG, "--deploy", stdout=output)
            assert output.getvalue() == "System check identified no issues (1 silenced).\n"


def test_a_warning_is_shown_and_the_command_continues(site: Site) -> None:
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=None, **SOUND):
        output = StringIO()
        call_command("check", "--tag", TAG, "--deploy", stderr=output)
        assert "(pocket.W040) DATA_UPLOAD_MAX_MEMORY_SIZE is unlimited" in output.getvalue()


SOUND: dict[str, Any] = {
    "SILENCED_SYSTEM_CHECKS": [],
    "STATIC_URL": "https://cdn.example.com/",
}


@pytest.fixture(autouse=True)
def _no_sqlite(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's own database is a stand-in."""
    if "site" in request.fixturenames:
        request.getfixturevalue("site")
        monkeypatch.setitem(settings.DATABASES["default"], "NAME", ":memory:")
    monkeypatch.setenv("POCKET_PLACEHOLDER_SECRETS", "1")


def test_registering_again_changes_nothing(site: Site) -> None:
    before = set(registry.registry.get_checks(True))
    register()
    assert set(registry.registry.get_checks(True)) == before


def ids_in_the_source() -> set[str]:
    return {found for path in SOURCE.rglob("*.py") for found in ID.findall(path.read_text())}


def test_every_id_is_documented_with_what_why_fix_and_silence() -> None:
    sections = re.split(r"^### ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    documented = {section.split("\n", 1)[0].partition(" ")[0]: section for section in sections}
    assert documented.keys() == ids_in_the_source()
    for id_, section in documented.items():
        for part in ("**Finds.**", "**Why.**", "**Fix.**", "**Silence.**"):
            assert section.count(part) == 1, f"{id_}: {part}"


def test_each_id_has_one_meaning_in_one_place() -> None:
    places: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for found in ID.findall(path.read_text()):
            places.setdefault(found, []).append(str(path.relative_to(SOURCE)))
    shared = {id_: where for id_, where in places.items() if len(where) > 1}
    assert shared == {}


def test_what_a_deploy_would_upload_is_checked_without_its_option() -> None:
    always = {check.function.rpartition(".")[2] for check, _, deploy in ALL if not deploy}
    assert always == {"file", "uploads", "public", "signing", "routes"}
