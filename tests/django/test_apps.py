"""The app in Django's registry."""

from __future__ import annotations

from pathlib import Path

from fresh import evaluate, write_settings

TEXT = 'SECRET_KEY = "x"\nINSTALLED_APPS = ["pocket.django"]\n'


def test_the_app_has_a_label_of_its_own_and_may_be_ready_twice(tmp_path: Path) -> None:
    code = """
import django; django.setup()
from django.apps import apps
config = apps.get_app_config("pocket")
config.ready()
result = [config.name, config.label, str(config.verbose_name), len(list(config.get_models()))]
"""
    assert evaluate(code, tmp_path, write_settings(tmp_path, TEXT)) == ["pocket.django", "pocket", "Pocket", 0]
