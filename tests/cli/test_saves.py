"""Saved files: served at once, released, and no longer served where their release fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, cast

import pytest

from pocket.cli import saves
from pocket.cli.project import Destination
from pocket.cli.saves import Outcome, Saves, Server
from pocket.cli.static_files import Collector
from pocket.config import load
from pocket.deploy.releases.history import History
from pocket.deploy.releases.run import Deployed
from pocket.deploy.target import Target
from pocket.errors import GateRefused, LocalAWSError
from pocket.local import LocalAWS
from pocket.naming import MODULES_FILES


class Site:
    """A project, what `Saves` did with it, and what is to happen: outcomes of serving, and errors of releases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcomes: list[Outcome | Exception] = []
        self.errors: list[Exception | None] = []
        self.done: list[Any] = []
        self.saves = Saves(folder, self.serve, self.deploy, saves.files(folder))
        assert self.taken() == [("serve", [], [])]

    def serve(self, unreleased: Collection[str], changed: Collection[str]) -> Outcome:
        self.done.append(("serve", [*unreleased], [*changed]))
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome.SERVED
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def deploy(self, doubtful: Callable[[], bool]) -> Deployed:
        self.done.append(("deploy", doubtful()))
        if self.errors and (error := self.errors.pop(0)):
            raise error
        return Deployed(changed=True, history=History(live=2))

    def save(self, name: str, text: str) -> list[Any]:
        (self.folder / name).write_text(text)
        self.saves.look()
        return self.taken()

    def release(self) -> list[Any]:
        assert self.saves.pending.is_set()
        self.saves.release()
        return self.taken()

    def taken(self) -> list[Any]:
        done, self.done = self.done, []
        return done


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(saves, "_PAUSE", 0)
    for name in ("views.py", "page.html"):
        (tmp_path / name).touch()
    return Site(tmp_path)


REFUSED = GateRefused("Gate migrations refused the release.", "Fix it.", gate="migrations", messages=[], live=1)


def test_saved_files_are_served_and_then_released(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.save("views.py", "one") == [("serve", ["views.py"], ["views.py"])]
    assert site.save("page.html", "one") == [("serve", ["page.html", "views.py"], ["page.html"])]
    assert site.release() == [("deploy", False), ("serve", [], [])]
    assert not site.saves.pending.is_set()
    site.saves.look()
    assert site.taken() == []
    served, again, released = capsys.readouterr().err.splitlines()
    assert served.startswith("views.py: served, ")
    assert again.startswith("page.html: served, ")
    assert released.startswith("page.html, views.py: release 2, ")


def test_what_is_saved_during_a_release_stays_served(site: Site) -> None:
    site.save("views.py", "one")
    deploy = site.deploy

    def during(doubtful: Callable[[], bool]) -> Deployed:
        site.save("page.html", "two")
        return deploy(doubtful)

    site.saves._deploy = during
    assert site.release()[-1] == ("serve", ["page.html"], [])
    site.saves._deploy = deploy
    assert site.release() == [("deploy", False), ("serve", [], [])]


def test_a_refused_release_is_no_longer_served(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.save("views.py", "one")
    site.errors = [REFUSED]
    assert site.release() == [("deploy", False), ("serve", [], ["views.py"])]
    assert site.save("page.html", "one") == [("serve", ["page.html", "views.py"], ["page.html", "views.py"])]
    shown = capsys.readouterr().err
    assert "error: Gate migrations refused the release." in shown
    assert "views.py: not deployed; the release before stays live." in shown


def test_what_does_not_start_has_to_pass_the_gates(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.outcomes = [Outcome.FAILED]
    site.errors = [REFUSED]
    site.save("views.py", "broken")
    assert site.release() == [("deploy", True), ("serve", [], [])]
    assert site.save("views.py", "right") == [("serve", ["views.py"], ["views.py"])]
    assert site.release()[0] == ("deploy", False)
    shown = capsys.readouterr().err
    assert "views.py: not served; what was served before still is." in shown


@pytest.mark.parametrize("outcome", [Outcome.WAITING, LocalAWSError("It does not answer.")])
def test_what_waits_is_served_with_its_release(
    site: Site, outcome: Outcome | Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    site.outcomes = [outcome]
    site.save("pocket.toml", "")
    assert "served" not in capsys.readouterr().err
    assert site.release() == [("deploy", True), ("serve", [], ["pocket.toml"])], "nothing has started with it"


def test_a_module_that_breaks_while_another_file_is_released_has_to_pass_the_gates(site: Site) -> None:
    site.outcomes = [Outcome.WAITING]
    site.save("uv.lock", "")
    deploy = site.deploy

    def during(doubtful: Callable[[], bool]) -> Deployed:
        site.outcomes = [Outcome.WAITING, Outcome.FAILED]
        site.save("views.py", "broken")
        return deploy(doubtful)

    site.saves._deploy = during
    assert site.release()[-1] == ("serve", ["views.py"], ["uv.lock", "views.py"])
    site.saves._deploy = deploy
    assert site.release()[0] == ("deploy", True)


def test_what_is_saved_while_the_artifact_is_made_has_to_pass_the_gates(site: Site) -> None:
    site.save("page.html", "one")
    deploy = site.deploy

    def during(doubtful: Callable[[], bool]) -> Deployed:
        (site.folder / "views.py").write_text("broken")
        return deploy(doubtful)

    site.saves._deploy = during
    assert site.release()[0] == ("deploy", True)


def growing(monkeypatch: pytest.MonkeyPatch) -> float:
    """Has a file change whenever it is looked at, for five seconds; returns the time."""
    begun = time.monotonic()
    monkeypatch.setattr(saves, "files", lambda _: {"out.csv": (int(min(time.monotonic(), begun + 5) * 1e9), 0)})
    return begun


def test_a_file_that_keeps_changing_is_served_all_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saves, "_SETTLING", 0.1)
    begun = growing(monkeypatch)
    site.saves.look()
    assert time.monotonic() - begun < 4
    assert "out.csv" in site.taken()[0][2]


def test_nothing_is_served_any_more_when_watching_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.saves.ending.set()
    begun = growing(monkeypatch)
    site.saves.look()
    assert time.monotonic() - begun < 4
    assert site.taken() == []


PROJECT = """
[general]
region = "us-east-1"
stages = ["local"]
project_name = "shop"

[awscontainer]
exclude = ["tests/"]
requirements = "needs.in"

[awscontainer.handlers.web]
command = "pocket.django.lambda_handlers.wsgi_handler"
apigateway = {}

[awscontainer.handlers.queue]
command = "pocket.django.lambda_handlers.sqs_management_command_handler"
sqs = {}
"""


class Serving:
    """In place of a running local AWS: what it was asked to serve."""

    def __init__(self) -> None:
        self.asked: Any = None
        self.failed: dict[str, Any] | None = None

    def serve(self, *where: Any, **what: Any) -> dict[str, Any] | None:
        self.asked = where, what
        return self.failed


def test_files_of_the_package_are_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("shop/views.py", "shop/page.html", "shop/migrations/0001.py", "tests/test_views.py", "needs.in"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "pocket.toml").write_text(PROJECT)
    aws = Serving()
    project = load(tmp_path / "pocket.toml")
    place = Destination(project, project.stage("local"), Target(region="us-east-1"))
    server = Server(tmp_path, cast("LocalAWS", aws), lambda: place, Collector(tmp_path))
    page, view = {"shop/page.html": tmp_path / "shop/page.html"}, {"shop/views.py": tmp_path / "shop/views.py"}
    assert server([*page, "gone.html"], page) is Outcome.SERVED
    functions = ["pocket-local-shop-web", "pocket-local-shop-queue"]
    assert aws.asked == (
        (tmp_path, "us-east-1", functions),
        {"first": functions[:1], "files": {**page, "gone.html": None}, "changed": [*page]},
    )
    assert server([*view, *page], view) is Outcome.SERVED
    assert aws.asked[1]["files"] == {**view, **page, MODULES_FILES[-1]: None}
    assert server(["tests/test_views.py"], ["tests/test_views.py"]) is Outcome.UNTOUCHED
    assert (aws.asked[1]["files"], aws.asked[1]["changed"]) == ({}, [])
    assert server([], page) is Outcome.SERVED
    assert (aws.asked[1]["files"], aws.asked[1]["changed"]) == ({}, [*page])
    aws.asked = None
    for name in (
        "pocket.toml",
        "uv.lock",
        "pyproject.toml",
        "libs/a/pyproject.toml",
        "needs.in",
        "shop/migrations/0001.py",
    ):
        assert server([*view, name], view) is Outcome.WAITING
    assert aws.asked is None
    aws.failed = {"errorType": "NameError", "errorMessage": "name 'x' is not defined"}
    assert server(view, view) is Outcome.FAILED
    assert "error: NameError: name 'x' is not defined" in capsys.readouterr().err


def test_what_a_running_project_writes_is_not_a_change(tmp_path: Path) -> None:
    for name in ("a/views.py", "a/page.html", "static/site.css", "pocket.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    watched = set(saves.files(tmp_path))
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
    assert set(saves.files(tmp_path)) == watched == {"a/views.py", "a/page.html", "static/site.css", "pocket.toml"}
