"""The project's files as one build has them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_project import write

from pocket.deploy.build import snapshot
from pocket.deploy.build.source import Source


def taken(folder: Path) -> snapshot.Snapshot:
    """A snapshot of a module and a template, with the module's copy in `place`."""
    write(folder / "site", {"shop/models.py": "A = 1\n", "shop/page.html": "<p>\n"})
    names = ("shop/models.py", "shop/page.html")
    return snapshot.make(Source({name: folder / "site" / name for name in names}), folder / "place")


def test_modules_are_copies_and_all_else_is_read_where_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"place/shop/old.py": "of the build before"})
    found = taken(tmp_path)
    (tmp_path / "site/shop/models.py").write_text("A = 2\n")
    assert found.files["shop/models.py"].read_text() == "A = 1\n"
    assert found.files["shop/page.html"] == tmp_path / "site/shop/page.html"
    assert [path.name for path in (tmp_path / "place/shop").iterdir()] == ["models.py"]
    assert not found.has_changed()


def replaced(path: Path) -> None:
    """As editors save: a new file takes the name, here with the old one's size and time."""
    other, before = path.with_name("other"), path.stat()
    other.write_text("<b>\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("save", [lambda path: path.write_text("<p class=a>\n"), replaced, Path.unlink])
def test_a_saved_template_is_noticed(tmp_path: Path, save: Callable[[Path], object]) -> None:
    found = taken(tmp_path)
    save(tmp_path / "site/shop/page.html")
    assert found.has_changed()
