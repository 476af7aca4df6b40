"""Copies lie where nothing of the project is above them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from pocket import isolation
from pocket.errors import PocketError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "project"
    folder.mkdir(parents=True)
    return folder


def test_a_temporary_folder_in_the_project_is_passed_over(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(project / "tmp"))
    assert not isolation.outside(project).is_relative_to(project)
    assert isolation.outside(project, str(project), str(tmp_path)) == tmp_path.resolve()


@pytest.mark.parametrize("name", [".env", "settings.ini", "settings.toml", ".secrets.toml"])
def test_a_folder_below_a_file_that_libraries_search_for_is_passed_over(
    project: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "other" / "tmp").mkdir(parents=True)
    assert isolation.outside(project, str(tmp_path / "other" / "tmp")) == (tmp_path / "other" / "tmp").resolve()
    (tmp_path / "other" / name).touch()
    assert isolation.outside(project, str(tmp_path / "other" / "tmp")) != (tmp_path / "other" / "tmp").resolve()


def test_without_a_suitable_folder_the_hint_names_the_variable(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_temporary_folders", tuple)
    with pytest.raises(PocketError, match="No temporary folder can hold a copy of") as caught:
        isolation.outside(project, str(project))
    assert "TMPDIR" in caught.value.hint


def test_what_is_kept_lies_in_a_folder_of_the_users_own(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_LASTING", str(tmp_path))
    folder = isolation.lasting_folder(project)
    assert folder == isolation.lasting_folder(project)
    assert folder != isolation.lasting_folder(project.parent)
    assert folder.parent.parent == tmp_path.resolve()
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    folder.parent.chmod(0o755)
    with pytest.raises(PocketError, match="Other users can access"):
        isolation.lasting_folder(project)
    folder.parent.rmdir()
    folder.parent.symlink_to(project)
    with pytest.raises(PocketError, match="Other users can access"):
        isolation.lasting_folder(project)
