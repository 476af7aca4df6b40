"""How releases are listed, and which questions `--yes` confirms."""

from __future__ import annotations

from pathlib import Path

import pytest
from deploying import SMALL, project

from pocket.cli.console import PlainReporter
from pocket.cli.project import destination
from pocket.cli.releases import _described, _elsewhere, _show
from pocket.deploy.releases.history import DeployedState, History, Release
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


def test_previews_are_among_the_other_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, SMALL + '[previews]\npattern = "pr-*"\nfrom = "dev"\n')
    monkeypatch.chdir(tmp_path)
    live = {"dev": History((FIRST,), 1), "pr-1": History((FIRST, SECOND), 2), "pr-2": History((FIRST, SECOND), 1)}
    monkeypatch.setattr("pocket.deploy.releases.deploy.read", lambda _, stage: DeployedState(history=live[stage.name]))
    monkeypatch.setattr("pocket.deploy.stacks.previews.existing", lambda *_: dict.fromkeys(["pr-1", "pr-2"]))
    found = _elsewhere(destination("dev", local=False), local=False)
    assert found == {SECOND.artifact: ["pr-1"], FIRST.artifact: ["pr-2"]}
    found = _elsewhere(destination("pr-1", local=False), local=False)
    assert found == {FIRST.artifact: ["dev", "pr-2"]}


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
        "proof": "",
    }


def test_yes_confirms_every_question_except_a_grave_one(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = PlainReporter(assume_yes=True)
    assert reporter.confirm("Go on?")
    assert not reporter.confirm("Lose it all?", grave=True)
    assert capsys.readouterr().err == "Lose it all? Not a terminal, so Pocket cannot ask.\n"
