"""The deployed release, checked from inside of Lambda, in one list with what the laptop finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from board import Board

pytestmark = pytest.mark.e2e

REMOTE = ("check", "--stage", "local", "--local", "--remote", "--deploy")


def messages(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)["messages"]
    return found


def test_a_sound_release_adds_no_issues(board: Board) -> None:
    done = board.pocket(*REMOTE, "--database", "default", "--format", "json")
    assert [item for item in messages(done.stdout) if not item["silenced"]] == []


def test_issues_of_the_release_only_are_marked(board: Board) -> None:
    settings = board.folder / "config" / "settings.py"
    sound = settings.read_text()
    settings.write_text(f"{sound}\nDATA_UPLOAD_MAX_MEMORY_SIZE = None\n")
    try:
        board.pocket("deploy", "--stage", "local", "--local", "--yes")
        settings.write_text(sound)
        done = board.pocket(*REMOTE, "--tag", "pocket", "--format", "json")
        assert [(item["id"], item["layer"]) for item in messages(done.stdout)] == [("pocket.W040", "remote")]
        shown = board.pocket(*REMOTE, "--tag", "pocket", "--fail-level", "WARNING", check=False)
        assert shown.returncode == 1
        assert "(pocket.W040) DATA_UPLOAD_MAX_MEMORY_SIZE is unlimited" in shown.stderr
        assert "sees it. [deployed]\n" in shown.stderr
        assert shown.stderr.endswith("Checks found 1 issue in local (0 silenced).\n")
    finally:
        settings.write_text(sound)
        board.pocket("deploy", "--stage", "local", "--local", "--yes")


def test_an_unknown_tag_fails_the_command(board: Board) -> None:
    done = board.pocket(*REMOTE, "--tag", "colour", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'There is no system check with the "colour" tag.' in done.stderr
