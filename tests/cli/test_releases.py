"""How releases are listed, and which questions `--yes` confirms."""

from __future__ import annotations

import pytest

from pocket.cli.console import PlainReporter
from pocket.cli.releases import _described, _show
from pocket.deploy.releases.history import History, Release
from pocket.deploy.stacks.secret_stores import Place

FIRST = Release(1, {"web": "V1"}, artifact="artifacts/0123456789abcdef.zip")
SECOND = Release(
    2,
    {"web": "V2"},
    created="2026-11-21T06:10:00Z",
    artifact="artifacts/fedcba9876543210.zip",
    git="ab" * 20,
    dirty=True,
    skipped=("checks", "smoke"),
    destructive=("bbs.0002_drop",),
    secrets=Place("secretsmanager", "pocket-dev-shop"),
    generated=("SECRET_KEY",),
)


def test_text_has_a_line_for_each_release(capsys: pytest.CaptureFixture[str]) -> None:
    _show(History((FIRST, SECOND), 2), {FIRST.artifact: ["prd", "eu"]})
    assert capsys.readouterr().out.splitlines() == [
        "RELEASE  CREATED               ARTIFACT      GIT            LIVE  SKIPPED        ALSO LIVE ON",
        "1        -                     0123456789ab  -                                   prd, eu",
        "2        2026-11-21T06:10:00Z  fedcba987654  abababababab+  live  checks, smoke",
    ]


def test_json_has_everything_that_is_recorded() -> None:
    assert _described(SECOND, History((FIRST, SECOND), 2), {SECOND.artifact: ["prd"]}) == {
        "release": 2,
        "live": True,
        "also_live_on": ["prd"],
        "versions": {"web": "V2"},
        "created": "2026-11-21T06:10:00Z",
        "artifact": "artifacts/fedcba9876543210.zip",
        "git": "ab" * 20,
        "dirty": True,
        "skipped": ("checks", "smoke"),
        "destructive": ("bbs.0002_drop",),
        "secrets": {"store": "secretsmanager", "key": "pocket-dev-shop"},
        "generated": ("SECRET_KEY",),
    }


def test_yes_confirms_every_question_except_a_grave_one(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = PlainReporter(assume_yes=True)
    assert reporter.confirm("Go on?")
    assert not reporter.confirm("Lose it all?", grave=True)
    assert capsys.readouterr().err == "Lose it all? Not a terminal, so Pocket cannot ask.\n"
