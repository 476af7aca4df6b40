"""Entries of an editable install on `sys.path` are replaced by the copy's."""

from __future__ import annotations

from pathlib import Path

from pocket.django.origin import redirected


def test_folders_of_the_original_are_replaced(tmp_path: Path) -> None:
    origin, copy = tmp_path / "site", tmp_path / "copies" / "site"
    for folder in (origin / "src", origin / ".venv" / "lib", origin / "libs", copy / "src", tmp_path / "site-two"):
        folder.mkdir(parents=True)
    path = [str(copy), "", "/usr/lib", str(origin / ".venv" / "lib"), str(origin), str(origin / "src")]
    path += [str(origin / "libs"), str(tmp_path / "site-two")]
    assert redirected(path, str(origin), str(copy)) == [
        str(copy),
        "",
        "/usr/lib",
        str(origin / ".venv" / "lib"),
        str(copy / "src"),
        str(origin / "libs"),
        str(tmp_path / "site-two"),
    ]
