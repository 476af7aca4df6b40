"""Running Python code in a process of its own, with an environment that holds nothing but what the test gives it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pocket import manifest, naming

HARMLESS = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}


def write_manifest(directory: Path, stage: manifest.Stage, **values: Any) -> Path:
    """Bakes a manifest of the stage `dev` into `directory`."""
    fields = {"project_name": "board", "region": "eu-west-1", "writer": "0", **values}
    path = directory / naming.MANIFEST_FILE
    path.write_text(manifest.Manifest(stages={"dev": stage}, **fields).to_json())
    return path


def run(
    code: str, directory: Path, environ: Mapping[str, str] | None = None, *options: str
) -> subprocess.CompletedProcess[str]:
    """Runs `code` in `directory`, where modules are imported from too; the test's own environment is not seen."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", *options, "-c", code],
        cwd=directory,
        env={**HARMLESS, "PYTHONPATH": str(directory), **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def evaluate(code: str, directory: Path, environ: Mapping[str, str] | None = None) -> Any:
    """What `code` leaves in `result`, as JSON; fails with the process's traceback."""
    done = run(f"import json\n{code}\nprint(json.dumps(result))", directory, environ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SETTINGS = """
import os
from pocket.django.runtime import get_django_settings, set_envs
from pocket.django.utils import get_caches, get_storages

STORAGES = get_storages()
CACHES = get_caches()
set_envs()
SECRET_KEY = os.environ.get("SECRET_KEY", "x" * 50)
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "").split(",")
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.staticfiles", "pocket.django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
STATIC_URL = "static/"
USE_TZ = True
vars().update(get_django_settings())
"""
"""A settings module in the shape of the specification's complete example."""

READ = "import django; django.setup(); from django.conf import settings; import os; result = "


def write_settings(directory: Path, text: str = SETTINGS) -> dict[str, str]:
    """Writes `board_settings.py`; the environment that makes Django use it."""
    (directory / "board_settings.py").write_text(text)
    return {"DJANGO_SETTINGS_MODULE": "board_settings"}
