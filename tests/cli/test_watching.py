"""Watching: what is saved is served and released, and requests are shown as they come."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

import pytest

from pocket.cli import saves, watching
from pocket.cli.saves import Outcome, Saves
from pocket.deploy.gates import NAMES
from pocket.deploy.releases.history import History
from pocket.deploy.releases.run import Deployed
from pocket.local import LocalAWS


class Ending:
    """In place of a running local AWS: its file of activity, and an end when nothing is left to do."""

    def __init__(self, path: Path, steps: list[Callable[[], None]]) -> None:
        self.path = path
        self.steps = steps

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


def add(path: Path, entry: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(entry) + "\n")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_PAUSE", 0.001)
    monkeypatch.setattr(saves, "_PAUSE", 0.001)


def test_a_file_that_is_saved_during_a_release_is_served_before_its_end(tmp_path: Path) -> None:
    served: list[list[str]] = []
    first, second = threading.Event(), threading.Event()

    def serve(unreleased: Any, changed: Any) -> Outcome:
        served.append([*changed])
        if "two.py" in changed:
            second.set()
        return Outcome.SERVED

    def deploy(_doubtful: Any) -> Deployed:
        if not first.is_set():
            first.set()
            (tmp_path / "two.py").touch()
            assert second.wait(10), "the release waits for nothing"
        return Deployed(changed=True, history=History(live=1))

    found = Saves(tmp_path, serve, deploy, saves.files(tmp_path))
    aws = Ending(tmp_path.with_name("activity"), [(tmp_path / "one.py").touch])
    aws.steps += [lambda: cast("None", found.pending.wait(10)), lambda: None]
    watching.watch(cast("LocalAWS", aws), found)
    assert served[:3] == [[], ["one.py"], ["two.py"]]


def test_an_error_while_looking_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Saves(tmp_path, lambda *_: Outcome.SERVED, lambda _: Deployed(changed=False), {})
    monkeypatch.setattr(saves, "files", lambda _: 1 / 0)
    aws = Ending(tmp_path.with_name("activity"), [lambda: None] * 10_000)
    with pytest.raises(ZeroDivisionError):
        watching.watch(cast("LocalAWS", aws), found)


def test_a_file_that_keeps_changing_does_not_keep_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saves, "_SETTLING", 60)
    found = Saves(tmp_path, lambda *_: Outcome.SERVED, lambda _: Deployed(changed=False), {})
    begun, looked = time.monotonic(), threading.Event()

    def growing(_: Path) -> saves.Files:
        looked.set()
        return {"out.csv": (int(min(time.monotonic(), begun + 5) * 1e9), 0)}

    monkeypatch.setattr(saves, "files", growing)
    aws = Ending(tmp_path.with_name("activity"), [lambda: cast("None", looked.wait(10))])
    watching.watch(cast("LocalAWS", aws), found)
    assert time.monotonic() - begun < 4


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
    found = Saves(tmp_path / "site", lambda *_: Outcome.SERVED, lambda _: Deployed(changed=False), {})
    watching.watch(cast("LocalAWS", aws), found, quiet="management")
    first, *rest, last = capsys.readouterr().err.splitlines()
    assert first == "printed"
    assert rest == ["ERROR django.request: Internal Server Error: /", "Trace"]
    assert last.endswith('] "GET /?page=2" 500 12 ms')


def test_only_migrations_are_waited_for() -> None:
    assert {*watching.SKIPPED, "migrations"} == {*NAMES}
    assert {*watching.REQUIRED_IF_DOUBTFUL} == {"startup", "request"}
