"""The application registry as its document describes it: Pocket in it, and the document's hints, which help."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fresh import HARMLESS, evaluate

from pocket.doctor.report.model import Report

PROJECTS = Path(__file__).parent.parent / "projects" / "issues"
SOUND = {"DJANGO_SETTINGS_MODULE": "settings"}
POCKET = "INSTALLED_APPS = [\n"


def sound(code: str) -> Any:
    return evaluate(f"import django; django.setup()\nfrom django.apps import apps\n{code}", PROJECTS / "sound", SOUND)


def changed(folder: Path, name: str, file: str, old: str, new: str) -> Report:
    """What the doctor finds in a copy of a project with one text replaced."""
    shutil.copytree(PROJECTS / name, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return diagnosed(folder)


def diagnosed(folder: Path) -> Report:
    done = subprocess.run(
        [sys.executable, "-m", "pocket.doctor", "--runs", "1"],
        cwd=folder,
        env={**HARMLESS, **SOUND},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return Report.from_json(done.stdout)


def with_pocket(code: str, folder: Path) -> Any:
    shutil.copytree(PROJECTS / "sound", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    settings = folder / "settings.py"
    settings.write_text(settings.read_text().replace(POCKET, f'{POCKET}    "pocket.django",\n'))
    return evaluate(f"import django; django.setup()\nfrom django.apps import apps\n{code}", folder, SOUND)


def test_the_registry_holds_each_apps_metadata() -> None:
    assert sound(
        "shop, parts = apps.get_app_config('shop'), apps.get_app_config('parts')\n"
        "result = [apps.ready, apps.is_installed('shop'), str(shop.verbose_name), shop.module.__name__,"
        " shop.models_module.__name__, parts.models_module, parts.verbose_name, parts.label,"
        " parts.path.rsplit('/', 2)[1:], shop.default_auto_field]"
    ) == [
        *(True, True, "Shop", "shop", "shop.models", None, "Parts", "parts", ["shared", "parts"]),
        "django.db.models.BigAutoField",
    ]


def test_models_are_found_in_any_case_and_by_one_dotted_name() -> None:
    assert sound(
        "model = apps.get_model('shop.country')\n"
        "of_shop = apps.get_app_config('shop').get_model('Country')\n"
        "result = [apps.get_model('shop', 'COUNTRY') is model, of_shop is model]\n"
        "for arguments in [('shop', 'Planet'), ('none', 'Country'), ('country',), ('a.b.c',)]:\n"
        "    try: apps.get_model(*arguments)\n"
        "    except (LookupError, ValueError) as error: result.append(type(error).__name__)"
    ) == [True, True, "LookupError", "LookupError", "ValueError", "ValueError"]


def test_pocket_is_an_app_with_a_label_of_its_own_and_without_models(tmp_path: Path) -> None:
    assert with_pocket(
        "pocket = apps.get_app_config('pocket')\n"
        "result = [pocket.name, pocket.label, pocket.verbose_name, pocket.models_module, list(pocket.get_models()),"
        " pocket.path.endswith('pocket/django')]",
        tmp_path,
    ) == ["pocket.django", "pocket", "Pocket", None, [], True]


def test_pockets_ready_may_run_again_and_registers_nothing_twice(tmp_path: Path) -> None:
    assert (
        with_pocket(
            "from pocket.doctor.idempotence import registrations\n"
            "counters = registrations()\n"
            "before = {name: count() for name, count in counters.items()}\n"
            "apps.get_app_config('pocket').ready()\n"
            "result = [name for name, count in counters.items() if count() != before[name]]",
            tmp_path,
        )
        == []
    )


def test_pockets_ready_imports_no_model_and_queries_no_database(tmp_path: Path) -> None:
    assert (
        with_pocket(
            "import sys\n"
            "from django.db import connection\n"
            "known = set(sys.modules)\n"
            "with connection.execute_wrapper(lambda *args: 1 / 0):\n"
            "    apps.get_app_config('pocket').ready()\n"
            "result = [name for name in set(sys.modules) - known if name.endswith('models')]",
            tmp_path,
        )
        == []
    )


@pytest.mark.parametrize("default", [True, False])
def test_several_configs_with_one_default_are_not_an_issue(tmp_path: Path, default: bool) -> None:
    head = "class WholesaleConfig(ShopConfig):\n"
    report = changed(tmp_path, "several_configs", "shop/apps.py", head, f"{head}    default = {default}\n")
    assert report.issues == ()
    assert report.stopped == ""


def test_a_subclass_of_anothers_config_named_by_its_path_is_not_an_issue(tmp_path: Path) -> None:
    shutil.copytree(PROJECTS / "sound", tmp_path, dirs_exist_ok=True)
    (tmp_path / "anthology").mkdir()
    (tmp_path / "anthology" / "__init__.py").write_text("")
    (tmp_path / "anthology" / "apps.py").write_text(
        "from shop.apps import ShopConfig\n\n\nclass JazzConfig(ShopConfig):\n    verbose_name = 'Jazz'\n"
    )
    settings = tmp_path / "settings.py"
    settings.write_text(
        settings.read_text().replace('    "shop",\n', '    "anthology.apps.JazzConfig",\n    "anthology",\n')
    )
    report = diagnosed(tmp_path)
    assert report.issues == ()
    assert report.stopped == ""


READY = "    def ready(self) -> None:\n"
FLAGGED = f"    done = False\n\n{READY}        if self.done:\n            return\n        self.done = True\n\n"
SERVED = (
    "from django.contrib import admin\n\n"
    'urlpatterns = [path("", lambda request: HttpResponse("open")), path("admin/", admin.site.urls)]\n'
)


@pytest.mark.parametrize(
    ("name", "file", "old", "new"),
    [
        ("admin_unserved", "settings.py", "contrib.admin", "contrib.admin.apps.SimpleAdminConfig"),
        ("admin_unserved", "urls.py", '\nurlpatterns = [path("", lambda request: HttpResponse("open"))]\n', SERVED),
        ("gettext_at_import", "shop/models.py", "import gettext as", "import gettext_lazy as"),
        ("gettext_in_phase_one", "shop/apps.py", "import gettext as", "import gettext_lazy as"),
        ("query_in_form_choices", "shop/forms.py", "choices=[", "choices=lambda: ["),
        ("query_in_ready", "shop/apps.py", READY, "    def later(self) -> None:\n"),
        ("circular_import", "shop/customers.py", "from shop.models import Country\n", "Country = 'shop.Country'\n"),
        ("script_without_setup", "nightly.py", "from shop", "import django\n\ndjango.setup()\n\nfrom shop"),
        ("ready_not_idempotent", "shop/apps.py", READY, FLAGGED),
        ("query_at_import", "shop/taxes.py", "NAMES = names()", "NAMES: list[str] = []"),
        ("models_in_phase_one", "shop/apps.py", "from shop.prices import TAX\n", "TAX = 19\n"),
    ],
)
def test_the_hint_helps(tmp_path: Path, name: str, file: str, old: str, new: str) -> None:
    report = changed(tmp_path, name, file, old, new)
    assert report.issues == ()
    assert report.stopped == ""


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("namespace_without_path", "parts/__init__.py", ""),
        (
            "duplicate_label",
            "old/shop/apps.py",
            (
                "from django.apps import AppConfig\n\n\nclass OldConfig(AppConfig):\n"
                "    name = 'old.shop'\n    label = 'old_shop'\n"
            ),
        ),
    ],
)
def test_adding_the_missing_file_helps(tmp_path: Path, name: str, file: str, text: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text)
    assert changed(tmp_path, name, "urls.py", "open", "open").issues == ()


def test_a_model_may_be_looked_up_in_phase_two_without_requiring_all(tmp_path: Path) -> None:
    report = changed(
        tmp_path,
        "sound",
        "shop/models.py",
        "class Country",
        "from django.apps import apps\n\nOWNER = apps.get_model('auth.User', require_ready=False)\n\n\nclass Country",
    )
    assert report.issues == ()
    assert report.stopped == ""
