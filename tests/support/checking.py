"""A Django project in this process whose deployment a test describes, for its system checks to judge."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.test import override_settings
from django_project import project

from pocket import naming
from pocket.manifest import Handler, Manifest, Stage

SITE = Stage(stack_name="gallery-prd", handlers={"web": Handler(naming.WSGI_HANDLER, 30, address=True)})


@contextmanager
def checked(folder: Path) -> Iterator[None]:
    """The project `checked`, set up, with its database in `folder`."""
    with project("checked", "checked_settings", {"CHECKED_DATABASE": str(folder / "checked.sqlite3")}):
        yield


class Site:
    """The project as deployed to the stage `prd`; what it holds besides its settings lies in `folder`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch

    def deploy(self, stage: Stage = SITE, **environ: str) -> None:
        """Bakes a manifest of the stage and sets the environment as a function has it; `environ` adds to it."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / naming.MANIFEST_FILE
        path.write_text(Manifest("gallery", "eu-west-1", "0", {"prd": stage}).to_json())
        variables = {
            "POCKET_STAGE": "prd",
            "POCKET_MANIFEST": str(path),
            "LAMBDA_TASK_ROOT": str(self.folder),
            **environ,
        }
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def write(self, name: str, text: str) -> Path:
        """A file of the project, which can be imported from its folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if str(self.folder) not in sys.path:
            self.monkeypatch.syspath_prepend(str(self.folder))
        return path

    def found(self, function: Any, *, databases: list[str] | None = None, **settings: Any) -> list[CheckMessage]:
        """What the check says with these settings."""
        with override_settings(**settings):
            return list(function(app_configs=None, databases=databases))
