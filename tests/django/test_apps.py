"""Pocket's app in Django's registry."""

from __future__ import annotations

from pathlib import Path

from fresh import SETTINGS, evaluate, write_manifest, write_settings

from pocket.manifest import Cache, DjangoTables, Stage

TEXT = 'SECRET_KEY = "x"\nINSTALLED_APPS = ["pocket.django"]\n'


def test_app_has_its_label_and_may_be_ready_twice(tmp_path: Path) -> None:
    code = """
import django; django.setup()
from django.apps import apps
config = apps.get_app_config("pocket")
config.ready()
result = [config.name, config.label, str(config.verbose_name), len(list(config.get_models()))]
"""
    assert evaluate(code, tmp_path, write_settings(tmp_path, TEXT)) == ["pocket.django", "pocket", "Pocket", 0]


def test_settings_helpers_work_without_the_app(tmp_path: Path) -> None:
    tables = DjangoTables(settings={"TIME_ZONE": "Asia/Tokyo"}, caches={"default": Cache("dummy")})
    manifest = write_manifest(tmp_path, Stage(stack_name="s", django=tables))
    text = SETTINGS.replace(', "pocket.django"]', "]")
    environ = {**write_settings(tmp_path, text), "POCKET_STAGE": "dev", "POCKET_MANIFEST": str(manifest)}
    code = """
import django; django.setup()
from django.apps import apps
from django.conf import settings
result = [apps.is_installed("pocket.django"), settings.TIME_ZONE, settings.CACHES["default"]["BACKEND"]]
"""
    backend = "django.core.cache.backends.dummy.DummyCache"
    found = evaluate(code, tmp_path, {**environ, "POCKET_PLACEHOLDER_SECRETS": "1"})
    assert found == [False, "Asia/Tokyo", backend]
