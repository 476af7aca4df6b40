"""Releases that each gate refuses, while a visitor asks all the time and never notices; a good one; the way back."""

from __future__ import annotations

import json
import re
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from board import Board, copy_example, start_local
from waiting import wait_until

pytestmark = pytest.mark.e2e

SIGN = """
from django.http import HttpResponse

def sign(request):
    return HttpResponse("release A")
"""

ROUTE = """
from config.sign import sign

urlpatterns.insert(0, path("sign/", sign))
"""

ADDITIVE = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bbs", "0002_thumbnail")]
    operations = [migrations.AddField("topic", "mood", models.CharField(max_length=9, null=True, editable=False))]
"""

DESTRUCTIVE = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("bbs", "0003_mood")]
    operations = [migrations.RemoveField("topic", "mood")]
"""

MOOD = "    mood = models.CharField(max_length=9, null=True, editable=False)\n"

FAULTY = """
import os
from pathlib import Path

from django.core import checks


def fault(name):
    \"\"\"Whether something of that name is out of order at the moment.\"\"\"
    return name in Path("FILE").read_text()


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    @checks.register(deploy=True)
    def refuse(app_configs, **kwargs):
        found = [checks.Error("this place is wrong", hint="Go elsewhere.", id="board.E001")]
        return found if fault("checks") else []
"""

FAULTY_LIST = """
from bbs.faults import fault


class FaultyList(TopicList):
    def get_queryset(self):
        if fault("request"):
            raise RuntimeError("out of order")
        return super().get_queryset()


TopicList = FaultyList
"""

DROPS_A_COLUMN = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("bbs", "0002_thumbnail")]
    operations = [migrations.RemoveField("topic", "author_name")]
"""

WEB = "[awscontainer.handlers.web]"


class Visitor:
    """Asks the sign over and over, from a thread of its own; `answers` counts what came back."""

    def __init__(self, address: str) -> None:
        self.address = f"{address}/sign/"
        self.answers: dict[str, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._ended.is_set():
            answer = self.look()
            self.answers[answer] = self.answers.get(answer, 0) + 1
            self._ended.wait(0.1)

    def look(self) -> str:
        try:
            with urllib.request.urlopen(self.address, timeout=30) as response:
                return str(response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return f"{error.code}: {error.read().decode()[:200]}"
        except OSError as error:
            return repr(error)

    @contextmanager
    def asking(self) -> Iterator[None]:
        self._thread.start()
        try:
            wait_until(lambda: bool(self.answers), 30)
            yield
        finally:
            self._ended.set()
            self._thread.join()


class Site:
    """The board with a sign at /sign/, whose releases a test changes."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.folder = board.folder

    def deploy(self, *args: str, refused_by: str = "") -> str:
        """What the deploy says; it fails exactly where a gate is named."""
        done = self.board.pocket("deploy", "--stage", "local", "--local", "--yes", *args, check=False)
        assert done.returncode == (1 if refused_by else 0), done.stderr
        assert f"error: Gate {refused_by} refused" in done.stderr if refused_by else "error:" not in done.stderr
        assert 'Traceback (most recent call last):\n  File "<frozen runpy>' not in done.stderr
        return done.stderr

    def plan(self, *args: str) -> dict[str, Any]:
        """What a deploy would change, which is something."""
        done = self.board.pocket("plan", "--stage", "local", "--local", "--format", "json", *args, check=False)
        assert done.returncode == 2, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def releases(self) -> list[dict[str, object]]:
        return list(json.loads(self.board.pocket("releases", "--stage", "local", "--local", "--format", "json").stdout))

    def live(self) -> object:
        return next(item["release"] for item in self.releases() if item["live"])

    def rollback(self, *args: str, check: bool = True) -> str:
        done = self.board.pocket("rollback", "--stage", "local", "--local", "--yes", *args, check=check)
        return done.stderr

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """Something is out of order that a faulty release needs."""
        (self.folder / ".pocket" / "fault").write_text(name)
        try:
            yield
        finally:
            (self.folder / ".pocket" / "fault").write_text("")

    @contextmanager
    def faulty(self) -> Iterator[None]:
        """The project as of a release with another sign, which needs more than the one before."""
        with (
            self.changed("config/sign.py", "release A", "release B"),
            self.changed("bbs/faults.py", "", FAULTY.replace("FILE", str(self.folder / ".pocket" / "fault"))),
            self.changed("bbs/models.py", "", "\nfrom bbs import faults\n"),
            self.changed("bbs/views.py", "", FAULTY_LIST),
        ):
            yield

    @contextmanager
    def changed(self, name: str, old: str, new: str) -> Iterator[None]:
        """The file with one text in the place of another (after its end, where `old` is empty), for a while."""
        path = self.folder / name
        text = path.read_text() if path.exists() else None
        assert text is None or old in text
        path.write_text(text.replace(old, new, 1) if text and old else (text or "") + new)
        try:
            yield
        finally:
            if text is None:
                path.unlink()
            else:
                path.write_text(text)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    folder = copy_example(f"gate-{sys.version_info.minor}")
    (folder / ".pocket" / "fault").write_text("")
    (folder / "config" / "sign.py").write_text(SIGN)
    with (folder / "config" / "urls.py").open("a") as file:
        file.write(ROUTE)
    # Not the file that Pocket keeps for a rehearsal: that one is migrated without a question.
    running = start_local(folder, database_url=f"sqlite:///{folder / '.pocket' / 'site.sqlite3'}")
    yield Site(running)
    running.stop()


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return Visitor(site.board.address)


@pytest.fixture
def unnoticed(site: Site, visitor: Visitor) -> Iterator[None]:
    """A visitor asks all the while, and sees release A alone."""
    with visitor.asking():
        yield
    assert set(visitor.answers) == {"release A"}
    assert site.live() == 1


def test_checks_and_a_failed_request_refuse(site: Site, unnoticed: None) -> None:
    with site.faulty():
        with site.changed("bbs/models.py", "max_length=120", "max_length=0"):
            assert "(fields.E121)" in site.deploy(refused_by="project")
        with site.fault("checks"):
            output = site.deploy(refused_by="checks")
        assert "(board.E001) this place is wrong\n    Go elsewhere." in output
        assert "`--skip-gate checks`" in output
        assert "release 1 stays live" in output
        assert "Update stack" in output
        with site.fault("request"):
            output = site.deploy(refused_by="request")
    assert "answered GET / with status 500" in output
    assert "Update stack" not in output, "what was refused is there, and is asked again"


def test_a_destructive_migration_and_a_slow_start_refuse(site: Site, unnoticed: None) -> None:
    with (
        site.changed("bbs/migrations/0003_drop.py", "", DROPS_A_COLUMN),
        site.changed("pocket.toml", WEB, f"[awscontainer.startup]\nbudget_ms = 1\n\n{WEB}"),
    ):
        planned = site.plan("--skip-gate", "project")
        drop = "bbs.0003_drop: destructive. Remove field author_name from topic: the data in it is lost"
        assert planned["changes"]["migrations"] == [drop]
        assert "WebFunction" in {row["name"] for row in planned["changes"]["rows"]}
        output = site.deploy("--skip-gate", "checks", refused_by="migrations")
        assert "bbs.0003_drop: Remove field author_name from topic: the data in it is lost" in output
        assert f"The database is SQLite {site.folder / '.pocket' / 'site.sqlite3'}." in output
        assert "Nothing was migrated" in output
        output = site.deploy("--skip-gate", "checks", "--skip-gate", "migrations", refused_by="startup")
        assert "budget_ms is 1" in output


def test_a_release_that_fails_at_its_address_is_taken_back(site: Site, visitor: Visitor) -> None:
    with visitor.asking(), site.faulty(), site.fault("request"):
        output = site.deploy("--skip-gate", "request", "--skip-gate", "checks", refused_by="smoke")
        assert "`live` of stage 'local' is back at release 1" in output
        assert [item["release"] for item in site.releases()] == [1]
    assert set(visitor.answers) <= {"release A", "release B"}, "no request failed, while live was away and back"
    assert visitor.look() == "release A"
    assert site.board.client().get("/").status == 200


def test_a_good_release_moves_live_and_is_listed(site: Site, visitor: Visitor) -> None:
    sign = site.folder / "config" / "sign.py"
    (site.folder / "bbs" / "migrations" / "0003_mood.py").write_text(ADDITIVE)
    models = site.folder / "bbs" / "models.py"
    models.write_text(models.read_text().replace("    archived_at =", f"{MOOD}    archived_at =", 1))
    with visitor.asking():
        sign.write_text(SIGN.replace("release A", "release B"))
        output = site.deploy("--skip-gate", "startup")
        assert "Pending migrations, all additive: bbs.0003_mood" in output
        assert re.search(r"INIT of web: \d+ ms", output)
        wait_until(lambda: "release B" in visitor.answers, 10)
    assert set(visitor.answers) == {"release A", "release B"}
    listed = site.board.pocket("releases", "--stage", "local", "--local").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["RELEASE", "1", "2"]
    assert re.fullmatch(r"2  +\S+Z  +[0-9a-f]{12}  +(?:[0-9a-f]{12}\+?|-)  +live  +startup", listed[2])
    assert "nothing was changed" in site.deploy()


def test_rollback_goes_back_and_forward_in_seconds(site: Site, visitor: Visitor) -> None:
    with visitor.asking():
        assert "Release 1 is live; before, release 2 was." in site.rollback()
        wait_until(lambda: "release A" in visitor.answers, 10)
        assert "is live already" in site.rollback("1", check=False)
        assert "does not keep release 7" in site.rollback("7", check=False)
        assert "Release 2 is live; before, release 1 was." in site.rollback("2")
    assert set(visitor.answers) == {"release A", "release B"}
    assert visitor.look() == "release B"


def test_rollback_is_refused_over_a_destructive_migration(site: Site) -> None:
    models = site.folder / "bbs" / "models.py"
    models.write_text(models.read_text().replace(MOOD, "", 1))
    (site.folder / "bbs" / "migrations" / "0004_no_mood.py").write_text(DESTRUCTIVE)
    output = site.deploy("--allow-destructive")
    assert "bbs.0004_no_mood: Remove field mood from topic: the data in it is lost" in output
    assert site.live() == 3
    refused = site.rollback(check=False)
    assert "destructive migrations were applied after it: bbs.0004_no_mood" in refused
    assert site.live() == 3
    assert site.board.client().get("/").status == 200
