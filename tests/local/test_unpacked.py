"""Deployment packages as folders: read-only, with their modes, shared and gone after their last user."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from pocket.local.launcher.unpacked import KEPT, Packages, remove_tree


def zip_of(entries: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, (content, mode) in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path / "packages", tmp_path / "tmp")


def test_a_package_keeps_its_executables_and_loses_its_write_permissions(packages: Packages) -> None:
    folder = packages.take(zip_of({"app.py": (b"x = 1\n", 0o644), "bin/tool": (b"#!/bin/sh\n", 0o755)}))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert modes == {folder.name: 0o500, "app.py": 0o400, "bin": 0o500, "tool": 0o500}


def test_a_package_is_unpacked_once_and_stays_for_the_next_run(packages: Packages, tmp_path: Path) -> None:
    package = zip_of({"a/b.py": (b"", 0)})
    folder = packages.take(package)
    changed = (folder / "a").stat().st_ctime_ns
    packages.give_back(folder)
    again = Packages(tmp_path / "packages", tmp_path / "tmp")
    assert again.take(package) == folder
    assert (folder / "a").stat().st_ctime_ns == changed


def test_only_the_last_unused_packages_stay(packages: Packages, tmp_path: Path) -> None:
    held = packages.take(zip_of({"held.py": (b"", 0)}))
    for number in range(KEPT + 2):
        packages.give_back(packages.take(zip_of({f"{number}.py": (b"", 0)})))
    left = {path.name for path in (tmp_path / "packages").rglob("*.py")}
    assert left == {"held.py", *(f"{number}.py" for number in range(2, KEPT + 2))}
    assert held.exists()


def test_a_package_that_is_prepared_is_there_for_the_first_worker(packages: Packages, tmp_path: Path) -> None:
    package = zip_of({"app.py": (b"", 0)})
    packages.prepare(package)
    (prepared,) = (tmp_path / "packages").iterdir()
    made = prepared.stat().st_ino
    assert packages.take(package) == prepared
    assert prepared.stat().st_ino == made
    packages.prepare(b"not a zip")
    with pytest.raises(zipfile.BadZipFile):
        packages.take(b"not a zip")


def test_what_a_package_has_in_common_with_the_last_one_is_linked(packages: Packages) -> None:
    first = packages.take(zip_of({"same.py": (b"1", 0), "mode.py": (b"1", 0), "changed.py": (b"1", 0)}))
    second = packages.take(zip_of({"same.py": (b"1", 0), "mode.py": (b"1", 0o755), "changed.py": (b"2", 0)}))
    shared = [path.name for path in second.iterdir() if path.samefile(first / path.name)]
    assert shared == ["same.py"]
    assert [(second / name).read_bytes() for name in ("same.py", "mode.py", "changed.py")] == [b"1", b"1", b"2"]


def test_files_that_the_last_package_lacks_are_unpacked(packages: Packages) -> None:
    first = packages.take(zip_of({"a.py": (b"1", 0)}))
    remove_tree(first)
    assert (packages.take(zip_of({"a.py": (b"1", 0), "b.py": (b"", 0)})) / "a.py").read_bytes() == b"1"


def test_a_broken_package_leaves_nothing(packages: Packages, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(zipfile.BadZipFile):
            packages.take(b"no zip")
    assert list((tmp_path / "packages").iterdir()) == list((tmp_path / "tmp").iterdir()) == []


def test_no_entry_leaves_the_folder(packages: Packages, tmp_path: Path) -> None:
    folder = packages.take(zip_of({"../../escaped.py": (b"", 0o644), "/root.py": (b"", 0o644)}))
    assert set(tmp_path.rglob("*.py")) == {folder / "escaped.py", folder / "root.py"}


def test_the_last_of_two_entries_of_a_name_counts(packages: Packages) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "first")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("app.py", "second")
    assert (packages.take(buffer.getvalue()) / "app.py").read_text() == "second"


def test_removing_leaves_what_a_link_leads_to(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "file").touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    remove_tree(folder)
    assert not folder.exists()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert (outside / "file").exists()


def test_removing_what_is_missing_is_not_an_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "nowhere")


def test_files_are_linked_from_the_package_of_an_earlier_run(tmp_path: Path) -> None:
    root = tmp_path / "packages"
    first = Packages(root, tmp_path / "tmp").take(zip_of({"same.py": (b"1", 0)}))
    again = Packages(root, tmp_path / "tmp")
    second = again.take(zip_of({"same.py": (b"1", 0), "new.py": (b"2", 0)}))
    assert (first / "same.py").samefile(second / "same.py")
    root.with_name(f"{root.name}.json").write_text("{}")
    third = Packages(root, tmp_path / "tmp").take(zip_of({"same.py": (b"1", 0), "new.py": (b"3", 0)}))
    assert (third / "new.py").read_bytes() == b"3"
    assert not (first / "same.py").samefile(third / "same.py")
