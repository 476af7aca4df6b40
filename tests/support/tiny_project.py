"""A small real Django project in a folder of its own, and a reporter that remembers what it was told."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from pocket.config import Project, load
from pocket.deploy.reporting import PlanRow

REPOSITORY = Path(__file__).parent.parent.parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

POCKET_TOML = f"""
[general]
region = "eu-central-1"
stages = ["dev", "plain"]
project_name = "tiny"

[s3]
public_dirs = ["static"]

[awscontainer]
python_version = "{PYTHON}"

[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"

[awscontainer.django.settings]
LANGUAGE_CODE = "de"

[dev.awscontainer.django.storages.staticfiles]
store = "s3"
location = "static"
static = true
manifest = true
"""

SETTINGS = """
import os

from pocket.django.runtime import set_envs

set_envs()
SECRET_KEY = "only for this test"
INSTALLED_APPS = ["django.contrib.staticfiles", "notes"]
STATIC_URL = "/static/"
assert os.environ["POCKET_STAGE"] == "dev"
"""

MANAGE = """
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
"""


class Recorder:
    """A reporter whose notes, steps and tables can be read afterwards."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notes: list[str] = []
        self.tables: list[Sequence[Sequence[str]]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.steps.append(name)
        yield

    def note(self, text: str) -> None:
        self.notes.append(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.tables.append(rows)

    def plan(self, rows: Sequence[PlanRow]) -> None:
        raise AssertionError("a build plans nothing")

    def event(self, text: str) -> None:
        self.notes.append(text)

    def confirm(self, question: str, *, grave: bool = False) -> bool:
        raise AssertionError("a build asks nothing")


def write(folder: Path, files: dict[str, str]) -> None:
    """Writes each text to its path below `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def wheel(folder: Path, name: str, version: str = "1") -> str:
    """The requirement of a wheel with one empty module, which lies in `folder` and needs no building."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    if path.exists():
        return f"./{path.name}\n"
    described = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{described}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{described}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{described}/RECORD", f"{name}.py,,\n")
    return f"./{path.name}\n"


def copy_pocket(folder: Path) -> Path:
    """A copy of Pocket's own source in `folder`, which nobody edits while a test builds it; returns the folder."""
    shutil.copytree(REPOSITORY / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder)
    return folder


def make(folder: Path, pocket_toml: str = POCKET_TOML, pocket: Path = REPOSITORY) -> Project:
    """The tiny project, written to `folder`; it installs Pocket from the source in `pocket`."""
    write(
        folder,
        {
            "pocket.toml": pocket_toml,
            "manage.py": MANAGE,
            "site_settings.py": SETTINGS,
            "requirements.txt": f"asgiref=={version('asgiref')}\nsix==1.17.0\ndjango-pocket @ {pocket.as_uri()}\n",
            "notes/__init__.py": "",
            "notes/static/notes/page.css": "body { background: url(dot.svg) }\n",
            "notes/static/notes/dot.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>\n",
        },
    )
    return load(folder / "pocket.toml")
