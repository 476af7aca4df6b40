"""The commit that a release is made from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pocket.deploy.build.revision import Revision, revision


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "page").write_text("1")
    git(tmp_path, "add", ".")
    return tmp_path


def test_a_folder_without_git_has_no_revision(tmp_path: Path) -> None:
    assert revision(tmp_path) == Revision()


def test_a_work_tree_without_a_commit_has_no_revision(repository: Path) -> None:
    assert revision(repository) == Revision()


def test_the_commit_and_whether_the_projects_folder_differs_from_it(repository: Path) -> None:
    git(repository, "commit", "--quiet", "-m", "One")
    commit = git(repository, "rev-parse", "HEAD")
    assert revision(repository / "site") == Revision(commit)
    (repository / "beside").write_text("no part of the project")
    assert revision(repository / "site") == Revision(commit)
    (repository / "site" / "page").write_text("2")
    assert revision(repository / "site") == Revision(commit, dirty=True)


def test_without_the_git_command_there_is_no_revision(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(repository, "commit", "--quiet", "-m", "One")
    monkeypatch.setenv("PATH", "")
    assert revision(repository) == Revision()
