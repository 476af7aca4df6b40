"""The example checks of Django's documentation, in a project, as `pocket check` lists them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from board import environment

CHECKS = """
from django.conf import settings
from django.core.checks import Error, Warning, register


@register("myapp")
def example_check(app_configs, **kwargs):
    errors = []
    if settings.CHECK_FAILED:
        errors.append(Error("an error", hint="A hint.", obj="checked_object", id="myapp.E001"))
    return errors


@register("myapp", deploy=True)
def check_enable_analytics_is_true_on_deploy(app_configs, **kwargs):
    errors = []
    if getattr(settings, "ENABLE_ANALYTICS", None) is not True:
        errors.append(
            Warning("The ENABLE_ANALYTICS setting should be set to True in deployment.", id="myapp.W001")
        )
    return errors
"""
MODELS = """
from django.core import checks
from django.db import models


class RangedIntegerField(models.IntegerField):
    def __init__(self, min=None, max=None, **kwargs):
        super().__init__(**kwargs)
        self.min = min
        self.max = max

    def check(self, **kwargs):
        errors = super().check(**kwargs)
        errors.extend(self._check_min_max_values(**kwargs))
        return errors

    def _check_min_max_values(self, **kwargs):
        if self.min is not None and self.max is not None and self.min > self.max:
            return [checks.Error("min greater than max.", hint="Decrease min or increase max.", obj=self,
                                 id="myapp.E002")]
        return []


class MyManager(models.Manager):
    def check(self, **kwargs):
        return [*super().check(**kwargs), checks.Warning("a manager's", obj=self, id="myapp.W003")]


class MyModel(models.Model):
    number = RangedIntegerField(min=3, max=2)
    objects = MyManager()

    @classmethod
    def check(cls, **kwargs):
        errors = super().check(**kwargs)
        return [*errors, checks.Warning("a model's", obj=cls, id="myapp.W002")]
"""
SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["myapp", "pocket.django"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CHECK_FAILED = True
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "pocket.toml": '[general]\nregion = "eu-west-1"\nstages = ["dev"]\nproject_name = "mine"\n[awscontainer]\n',
        "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "its_settings")\n',
        "its_settings.py": SETTINGS,
        "myapp/__init__.py": "",
        "myapp/apps.py": "from django.apps import AppConfig\n\n\nclass MyConfig(AppConfig):\n    name = 'myapp'\n\n"
        "    def ready(self):\n        import myapp.checks\n",
        "myapp/checks.py": CHECKS,
        "myapp/models.py": MODELS,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def found(project: Path, *args: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "pocket", "check", *args, "--format", "json"],
        cwd=project,
        env=environment(),
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    messages: list[dict[str, Any]] = json.loads(done.stdout)["messages"]
    assert done.returncode == int(any(item["level"] == "error" for item in messages)), done.stderr
    return messages


def test_the_checks_of_the_documentation_are_in_the_list(project: Path) -> None:
    listed = [
        (item["id"], item["level"], item["message"], item["hint"], item["object"])
        for item in found(project, "--deploy")
        if item["id"].startswith("myapp.")
    ]
    assert listed == [
        ("myapp.E001", "error", "an error", "A hint.", "checked_object"),
        ("myapp.E002", "error", "min greater than max.", "Decrease min or increase max.", "myapp.MyModel.number"),
        ("myapp.W001", "warning", "The ENABLE_ANALYTICS setting should be set to True in deployment.", None, None),
        ("myapp.W002", "warning", "a model's", None, "myapp.MyModel"),
        ("myapp.W003", "warning", "a manager's", None, "myapp.MyModel.objects"),
    ]


def test_tags_and_deploy_select_checks_as_in_django(project: Path) -> None:
    assert [item["id"] for item in found(project, "--tag", "myapp")] == ["myapp.E001"]
    assert [item["id"] for item in found(project, "--tag", "myapp", "--deploy")] == ["myapp.E001", "myapp.W001"]
    settings = project / "its_settings.py"
    settings.write_text(settings.read_text().replace("CHECK_FAILED = True", "CHECK_FAILED = False"))
    assert found(project, "--tag", "myapp") == []
