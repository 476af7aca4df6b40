"""uv is the one installed beside Pocket, else the one on PATH; without either, the caller's own error."""

from pathlib import Path

import pytest
from uv import find_uv_bin

from pocket import uv_program
from pocket.errors import BuildFailed, LocalAWSError


def test_the_one_beside_pocket_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program(tmp_path).parent))
    assert uv_program.find(BuildFailed) == find_uv_bin()


def test_else_it_is_that_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocket.uv_program.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(program(tmp_path).parent))
    assert uv_program.find(BuildFailed) == str(tmp_path / "uv")


def test_a_package_whose_program_is_gone_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uv.find_uv_bin", gone)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalAWSError, match="uv, which installs packages, is missing") as caught:
        uv_program.find(LocalAWSError)
    assert "pip install" in caught.value.hint


def gone() -> str:
    raise FileNotFoundError


def program(folder: Path) -> Path:
    path = folder / "uv"
    path.touch(mode=0o755)
    return path
