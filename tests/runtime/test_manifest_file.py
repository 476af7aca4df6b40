"""Finding and reading the manifest."""

from __future__ import annotations

from pathlib import Path

import pytest
from fresh import write_manifest

from pocket.errors import ManifestError
from pocket.manifest import Stage
from pocket.runtime import manifest_file

STAGE = Stage(stack_name="s")


def test_variable_comes_before_the_artifact_and_that_before_the_current_folder(
    no_aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / name for name in ("folder", "artifact", "named")]
    monkeypatch.chdir(tmp_path)
    assert manifest_file.locate() is None
    paths = []
    for folder in folders:
        folder.mkdir()
        paths.append(str(write_manifest(folder, STAGE)))
    monkeypatch.chdir(folders[0])
    assert manifest_file.locate() == paths[0]
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(folders[1]))
    assert manifest_file.locate() == paths[1]
    monkeypatch.setenv("POCKET_MANIFEST", paths[2])
    assert manifest_file.locate() == paths[2]


def test_missing_file_in_the_variable_is_an_error(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_MANIFEST", "nothing.json")
    with pytest.raises(ManifestError, match=r"nothing\.json"):
        manifest_file.locate()


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write_manifest(tmp_path, STAGE)
    first = manifest_file.read(str(path))
    assert manifest_file.read(str(path)) is first
    write_manifest(tmp_path, STAGE, project_name="another one")
    assert manifest_file.read(str(path)).project_name == "another one"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 99}', b'{"format": 1}', b"\xff\xfe"])
def test_damaged_file_is_an_error_with_a_hint(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(ManifestError) as caught:
        manifest_file.read(str(path))
    assert caught.value.hint


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        manifest_file.read(str(tmp_path / "gone"))
