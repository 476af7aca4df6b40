"""Watching: what is saved is deployed, an error leaves the release before, and requests are shown as they come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

import pytest

from pocket.cli import watching
from pocket.deploy.gates import NAMES
from pocket.deploy.releases.history import History
from pocket.deploy.releases.run import Deployed
from pocket.deploy.reporting import Reporter
from pocket.errors import GateRefused
from pocket.local import LocalAWS


class Ending:
    """In place of a running local AWS: its file of activity, and an end when nothing is left to do."""

    def __init__(self, path: Path, steps: list[Callable[[], None]]) -> None:
        self.path = path
        self.steps = steps
        self.waited = False

    @property
    def ended(self) -> bool:
        if not self.steps:
            return True
        self.steps.pop(0)()
        return False

    @contextmanager
    def activity(self) -> Iterator[TextIO]:
        self.path.touch()
        with self.path.open() as file:
            yield file

    def wait(self) -> None:
        self.waited = True


def add(path: Path, entry: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(entry) + "\n")


def nothing() -> None:
    pass


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_PAUSE", 0)


def test_saved_files_are_deployed_and_an_error_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site"
    (site / "notes").mkdir(parents=True)
    deployed: list[str] = []

    def save(name: str, text: str) -> Callable[[], None]:
        return lambda: cast("None", (site / name).write_text(text))

    def deploy(reporter: Reporter) -> Deployed:
        text = (site / "notes" / "views.py").read_text()
        deployed.append(text)
        if text == "broken":
            raise GateRefused("Gate migrations refused the release.", "Fix it.", gate="migrations", messages=[], live=1)
        with reporter.step("Not shown"):
            reporter.note("not shown either")
            reporter.note("Warning: shown")
        return Deployed(changed=True, history=History(live=len(deployed)))

    steps = [save("notes/views.py", "one"), nothing, save("notes/views.py", "broken"), save("notes/views.py", "three")]
    aws = Ending(tmp_path / "activity", [nothing, *steps, nothing])
    watching.watch(site, cast("LocalAWS", aws), deploy)
    assert deployed == ["one", "broken", "three"]
    assert aws.waited
    shown = capsys.readouterr().err
    assert "notes/views.py: release 1, " in shown
    assert "Warning: shown" in shown
    assert "not shown" not in shown.lower().replace("warning: shown", "")
    assert "error: Gate migrations refused the release." in shown
    assert "notes/views.py: not deployed; the release before stays live." in shown
    assert "notes/views.py: release 3, " in shown


def test_requests_and_tracebacks_are_shown_as_they_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "site").mkdir()
    path = tmp_path / "activity"
    request = {"time": 1.5, "method": "GET", "path": "/?page=2", "status": 500, "milliseconds": 12}
    stack = {"level": "ERROR", "logger": "django.request", "message": "Internal Server Error: /", "stackTrace": "Trace"}
    aws = Ending(
        path,
        [
            lambda: add(path, {"function": "web", "text": f"printed\n{json.dumps(stack)}"}),
            lambda: add(path, {"function": "management", "text": "of a deploy"}),
            lambda: add(path, request),
        ],
    )
    watching.watch(tmp_path / "site", cast("LocalAWS", aws), lambda _: Deployed(changed=False), quiet="management")
    first, *rest, last = capsys.readouterr().err.splitlines()
    assert first == "printed"
    assert rest == ["ERROR django.request: Internal Server Error: /", "Trace"]
    assert last.endswith('] "GET /?page=2" 500 12 ms')


def test_what_a_running_project_writes_is_not_a_change(tmp_path: Path) -> None:
    for name in ("a/views.py", "a/page.html", "static/site.css", "pocket.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    watched = set(watching.files(tmp_path))
    for name in (
        ".pocket/x",
        ".git/index",
        "a/__pycache__/v.pyc",
        "db.sqlite3",
        "media/p.png",
        "env/pyvenv.cfg",
        "a/v.py~",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert set(watching.files(tmp_path)) == watched == {"a/views.py", "a/page.html", "static/site.css", "pocket.toml"}


def test_only_migrations_are_waited_for() -> None:
    assert {*watching.SKIPPED, "migrations"} == {*NAMES}
