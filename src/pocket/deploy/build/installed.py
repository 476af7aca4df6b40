"""A folder of installed distributions: their files, the tags of their wheels, and what must not be shipped."""

from __future__ import annotations

import csv
import re
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OF_THE_INSTALLER = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json")
"""Files of a `.dist-info` that record how it was installed, with paths and times of this machine."""


def clean(tree: Path) -> None:
    """Removes scripts, bytecode and records of this machine, and their lines in every RECORD."""
    shutil.rmtree(tree / "bin", ignore_errors=True)
    (tree / ".lock").unlink(missing_ok=True)
    for folder in list(tree.rglob("__pycache__")):
        shutil.rmtree(folder)
    for folder in tree.glob("*.dist-info"):
        for name in _OF_THE_INSTALLER:
            (folder / name).unlink(missing_ok=True)
        record = folder / "RECORD"
        if record.exists():
            lines = record.read_text().splitlines()
            kept = sorted(line for line in lines if (tree / next(csv.reader([line]))[0]).is_file())
            record.write_text("".join(f"{line}\n" for line in kept))


def owners(tree: Path) -> dict[str, str]:
    """The distribution of each file below `tree` that a RECORD lists."""
    found: dict[str, str] = {}
    for folder in tree.glob("*.dist-info"):
        record = folder / "RECORD"
        rows = csv.reader(record.read_text().splitlines()) if record.exists() else ()
        found |= {row[0]: _distribution(folder) for row in rows if row}
    return found


def wheel_tags(tree: Path) -> dict[str, list[str]]:
    """The tags of the wheel that each distribution was installed from, such as `cp313-cp313-manylinux_2_17_x86_64`."""
    return {
        _distribution(folder): re.findall(r"^Tag: (\S+)", (folder / "WHEEL").read_text(), re.MULTILINE)
        for folder in tree.glob("*.dist-info")
        if (folder / "WHEEL").exists()
    }


def _distribution(folder: Path) -> str:
    return re.sub(r"[-_.]+", "-", folder.name.removesuffix(".dist-info").rsplit("-", 1)[0]).lower()
