"""The start of a deployed release, explained from inside of Lambda."""

from __future__ import annotations

import json

import pytest
from board import Board

pytestmark = pytest.mark.e2e


def test_a_deployed_release_explains_its_start(board: Board) -> None:
    done = board.pocket("doctor", "--stage", "local", "--local", "--format", "json")
    found = json.loads(done.stdout)
    assert (found["place"], found["stage"], found["issues"], found["stopped"]) == ("Lambda", "local", [], "")
    assert found["request"]["status"] == 200
    names = [span["name"] for span in found["spans"]]
    assert names[:4] == ["settings", "app configs", "models", "ready()"]
    assert names[-3:] == ["FastAPI", "first request", "first API request"]
    assert (found["api_request"]["path"], found["api_request"]["status"]) == ("/api/topics/", 200)
    assert (board.folder / ".pocket" / "startup" / "local-aws-local.json").exists()


def test_a_path_of_the_release_can_be_requested(board: Board) -> None:
    done = board.pocket("doctor", "--stage", "local", "--local", "--path", "/admin/login/", "--compare")
    assert "GET /admin/login/ returned 200" in done.stdout
    assert "Compared with the run of" in done.stdout
