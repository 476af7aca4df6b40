"""Deployment packages as folders: read-only, with their modes, shared and gone after their last user."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from pocket.local.launcher.packages import Packages, remove_tree


def zip_of(entries: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, (content, mode) in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def test_a_package_keeps_its_executables_and_loses_its_write_permissions(tmp_path: Path) -> None:
    folder = Packages(tmp_path).take(zip_of({"app.py": (b"x = 1\n", 0o644), "bin/tool": (b"#!/bin/sh\n", 0o755)}))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert modes == {folder.name: 0o555, "app.py": 0o444, "bin": 0o555, "tool": 0o555}


def test_a_package_is_unpacked_once_and_removed_after_its_last_user(tmp_path: Path) -> None:
    packages, package = Packages(tmp_path), zip_of({"a/b.py": (b"", 0)})
    folder = packages.take(package)
    assert packages.take(package) == folder
    packages.give_back(folder)
    assert (folder / "a" / "b.py").exists()
    packages.give_back(folder)
    assert list(tmp_path.iterdir()) == []
    assert packages.take(package) == folder


def test_a_broken_package_leaves_nothing(tmp_path: Path) -> None:
    packages = Packages(tmp_path)
    for _ in range(2):
        with pytest.raises(zipfile.BadZipFile):
            packages.take(b"no zip")
    assert list(tmp_path.iterdir()) == []


def test_no_entry_leaves_the_folder(tmp_path: Path) -> None:
    folder = Packages(tmp_path / "code").take(zip_of({"../../escaped.py": (b"", 0o644), "/root.py": (b"", 0o644)}))
    found = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.py"))
    assert found == sorted((folder / name).relative_to(tmp_path) for name in ("escaped.py", "root.py"))


def test_removing_what_is_missing_is_no_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "nowhere")
