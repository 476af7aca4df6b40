"""What a snapshot would keep."""

from __future__ import annotations

from importlib import import_module, invalidate_caches
from typing import Any

import pytest
from checking import Site
from django.core.checks import Warning as CheckWarning

from pocket.django.checks import snapstart
from pocket.manifest import SecretVariable, Stage

STAGE = Stage(stack_name="s", secrets=(SecretVariable("GALLERY_KEY", "secretsmanager", "key"),))
HINTS = {
    "pocket.W070": "Call it where the value is used: all environments restored from one snapshot share the value.",
    "pocket.W071": "Open it where it is used, or after the restore: the server has closed the connection by then.",
    "pocket.W072": "Call it where the value is used: the value is the time of the snapshot, perhaps days ago.",
    "pocket.W073": "Read it where it is used: the snapshot keeps the old value after the secret is changed.",
}


@pytest.fixture
def snapped(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The project as a function that starts from a snapshot."""
    site.deploy(STAGE, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start", GALLERY_KEY="a key")
    return site


def imported(site: Site, text: str, name: str = "taken_at_import") -> list[Any]:
    """What is said of a module with that text, which the project imports."""
    import sys

    site.write(f"{name}.py", text)
    invalidate_caches()
    sys.modules.pop(name, None)
    module = import_module(name)
    try:
        return site.found(snapstart.imports)
    finally:
        del sys.modules[name]
        getattr(getattr(module, "X", None), "close", int)()


def kept(id_: str, what: str, line: int) -> CheckWarning:
    return CheckWarning(
        f"{what} while the module is imported, and SnapStart keeps it in the snapshot.",
        hint=HINTS[id_],
        obj=f"taken_at_import.py:{line}",
        id=id_,
    )


@pytest.mark.parametrize(
    ("text", "id_", "what"),
    [
        ("import random\nX = random.random()", "pocket.W070", "random.random() takes a random value"),
        (
            "from uuid import uuid4 as new\nX = [new() for _ in 'ab']",
            "pocket.W070",
            "uuid.uuid4() takes a random value",
        ),
        (
            "import secrets\nclass A:\n    X = secrets.token_hex()",
            "pocket.W070",
            "secrets.token_hex() takes a random value",
        ),
        ("import sqlite3\nX = sqlite3.connect(':memory:')", "pocket.W071", "sqlite3.connect() takes a connection"),
        ("import time\ndef f(at=time.time()): ...", "pocket.W072", "time.time() takes the time"),
        ("from datetime import datetime\nX = datetime.now()", "pocket.W072", "datetime.datetime.now() takes the time"),
        (
            "from django.utils import timezone\nX = timezone.now()",
            "pocket.W072",
            "django.utils.timezone.now() takes the time",
        ),
        ("import os\nX = os.environ['GALLERY_KEY']", "pocket.W073", "The secret GALLERY_KEY is read"),
        ("from os import getenv\nX = getenv('GALLERY_KEY', '')", "pocket.W073", "The secret GALLERY_KEY is read"),
        ("from os import environ\nX = environ.get('GALLERY_KEY')", "pocket.W073", "The secret GALLERY_KEY is read"),
    ],
)
def test_a_value_that_every_environment_would_share(snapped: Site, text: str, id_: str, what: str) -> None:
    assert imported(snapped, text + "\n") == [kept(id_, what, len(text.splitlines()))]


@pytest.mark.parametrize(
    "text",
    [
        "import random\ndef f(): return random.random()",
        "import random\nf = lambda: random.random()",
        "import random\nrandom.seed()",
        "from django.utils import timezone\nX = dict(default=timezone.now)",
        "import time\nX = time.strftime",
        "import os\nX = os.environ.get('HOME')",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import time\n    X = time.time()",
        "import time\nif __name__ == '__main__':\n    print(time.time())",
        "class uuid:\n    uuid4 = int\nX = uuid.uuid4()",
    ],
)
def test_values_that_are_taken_later_or_never(snapped: Site, text: str) -> None:
    assert imported(snapped, text + "\n") == []


def test_only_a_stage_that_starts_from_a_snapshot_is_checked(snapped: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    assert imported(snapped, "import time\nX = time.time()\n") == []


def test_on_a_laptop_the_file_decides_about_snapshots(snapped: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE")
    monkeypatch.delenv("POCKET_MANIFEST")
    (snapped.folder / "pocket.manifest.json").unlink()
    monkeypatch.setattr("pocket.django.configuration.source._start", lambda: snapped.folder)
    file = '[general]\nregion = "eu-west-1"\nstages = ["prd"]\nproject_name = "gallery"\n[awscontainer]\n'
    snapped.write("pocket.toml", f'{file}python_version = "3.13"\nsnapstart = true\n')
    assert [item.id for item in imported(snapped, "import time\nX = time.time()\n")] == ["pocket.W072"]
    snapped.write("pocket.toml", file)
    assert imported(snapped, "import time\nX = time.time()\n") == []


def test_only_the_apps_that_are_given_are_looked_at(snapped: Site) -> None:
    import sys

    from django.apps import AppConfig, apps

    snapped.write("taken_app/__init__.py", "import time\nX = time.time()\n")
    module = import_module("taken_app")
    try:
        other = apps.get_app_config("auth")
        assert list(snapstart.imports(app_configs=[other])) == []
        own = AppConfig("taken_app", module)
        assert [item.obj for item in snapstart.imports(app_configs=[own])] == ["taken_app/__init__.py:2"]
    finally:
        del sys.modules["taken_app"]


def test_the_settings_read_secrets_by_design(snapped: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import os\nX = os.environ['GALLERY_KEY']\n"
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "taken_at_import")
    assert imported(snapped, text) == []
