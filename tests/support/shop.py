"""A Django project whose migrations do what a test wants, and its `migrate` as a function runs it, in processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fresh import HARMLESS
from waiting import wait_until

SETTINGS = """
import json, os
SECRET_KEY = "x" * 50
INSTALLED_APPS = ["pocket.django", "shop"]
DATABASES = {"default": json.loads(os.environ["SHOP_DATABASE"])}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""

HEAD = """
import os, time
from pathlib import Path
from django.db import connection, migrations, models

HERE = Path(os.environ["SHOP_FOLDER"])

def meet(name):
    (HERE / name).touch()
    while not (HERE / "go").exists():
        time.sleep(0.01)
"""

INITIAL = """
class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(
            "Product", [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=20))]
        )
    ]
"""

INVOKE = """
import json, sys
import django
django.setup()
from pocket.django.commands import command
from pocket.django.schema_changes import limits
body, seconds, limits.LOCK_TIMEOUT = json.loads(sys.argv[1])
print(json.dumps(command.run(body, seconds)))
"""


def migration(operations: str, *, after: str = "0001_initial", code: str = "", atomic: bool = True) -> str:
    """The text of a migration with those operations; `code` comes before it."""
    return f"""
{code}

class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("shop", "{after}")]
    operations = [{operations}]
"""


@dataclass
class Shop:
    """The project in `folder`, on the database of those settings; `lock_timeout` is Pocket's, in seconds."""

    folder: Path
    database: Mapping[str, Any]
    lock_timeout: float = 10
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, **migrations: str) -> None:
        """The migrations by name; the first release's is there without being asked for."""
        package = self.folder / "shop" / "migrations"
        package.mkdir(parents=True, exist_ok=True)
        for directory in (package, package.parent):
            (directory / "__init__.py").touch()
        (self.folder / "shop_settings.py").write_text(SETTINGS)
        for name, text in {"0001_initial": INITIAL, **migrations}.items():
            (package / f"{name}.py").write_text(HEAD + text)

    def begin(self, command: str = "migrate", *args: str, seconds: float | None = None) -> subprocess.Popen[str]:
        """An invocation of the command, under way; `seconds` are the function's."""
        body = {"command": command, "args": args, "on_failure": "report"}
        process = subprocess.Popen(
            [sys.executable, "-c", INVOKE, json.dumps([body, seconds, self.lock_timeout])],
            env={
                **HARMLESS,
                "PYTHONPATH": str(self.folder),
                "DJANGO_SETTINGS_MODULE": "shop_settings",
                "SHOP_DATABASE": json.dumps(self.database),
                "SHOP_FOLDER": str(self.folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def invoke(self, command: str = "migrate", *args: str, seconds: float | None = None) -> dict[str, Any]:
        """What came of an invocation of the command."""
        return ended(self.begin(command, *args, seconds=seconds))

    def met(self, name: str) -> None:
        """Waits until a migration has come to `meet(name)`."""
        wait_until((self.folder / name).exists, 30)

    def go(self) -> None:
        """Lets the migrations that wait go on."""
        (self.folder / "go").touch()

    def close(self) -> None:
        """Ends what still runs."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the invocation answered; fails with the process's traceback."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    answer: dict[str, Any] = json.loads(out)
    return answer


def reasons(answer: Mapping[str, Any]) -> Sequence[str]:
    """The lines in which a command says why it failed."""
    return str(answer["stderr"] or answer["traceback"]).splitlines()
