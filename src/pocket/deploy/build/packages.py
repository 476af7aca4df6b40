"""Installs an artifact's packages for its platform, in layers that are kept until what they are made of changes.

One layer holds everything that comes from an index, one each package that is built from a local path: those change with
every edit, the others with the lock. A layer's files are the same bytes wherever and whenever it is made.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.deploy.build import archive, bytecode, installed, source, uv
from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.deploy.build.platforms import Platform
    from pocket.deploy.build.requirements import Requirement, Requirements

_FORMAT = "1"
"""Part of every layer's key: another number makes all of them anew."""

_KEPT_LAYERS = 12


@dataclass(frozen=True)
class Layer:
    """Installed packages: what goes into the artifact, and each distribution's size in bytes, bytecode included."""

    files: Mapping[str, archive.Entry]
    sizes: Mapping[str, int]


def install(requirements: Requirements, platform: Platform, interpreter: str | None, folder: Path) -> list[Layer]:
    """The layers of `requirements` for `platform`, made below `folder` where they are not there yet.

    `interpreter` compiles their bytecode; None leaves it out. Raises BuildFailed where a package has no distribution
    for the platform or does not build.
    """
    remote = [package for package in requirements.packages if package.local is None]
    groups = [remote, *([package] for package in requirements.packages if package.local is not None)]
    layers = []
    for group in groups:
        if not group:
            continue
        place = folder / _key(requirements, group, platform, interpreter)
        if not place.is_dir():
            _make(requirements, group, platform, interpreter, place)
        os.utime(place)
        layers.append(_load(place))
    _prune(folder)
    return layers


def _key(requirements: Requirements, group: Sequence[Requirement], platform: Platform, interpreter: str | None) -> str:
    parts = [_FORMAT, platform.python, platform.uv or platform.label, bytecode.identity(interpreter)]
    for package in group:
        parts += [package.name, source.folder_digest(package.local)] if package.local else [package.block]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _make(
    requirements: Requirements, group: Sequence[Requirement], platform: Platform, interpreter: str | None, place: Path
) -> None:
    unfinished = place.with_name(f"{place.name}.{os.getpid()}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    tree = unfinished / "tree"
    tree.mkdir(parents=True)
    try:
        _run_installer(requirements, group, platform, unfinished)
        if platform.uv is not None:
            _refuse_local_machine_code(tree, platform)
        installed.clean(tree)
        if interpreter is not None:
            bytecode.compile_tree(interpreter, tree)
        files = archive.scan(tree)
        record = {
            "sizes": installed.sizes(tree, {name: entry.size for name, entry in files.items()}),
            "files": {name: [entry.size, entry.sha256, entry.executable] for name, entry in files.items()},
        }
        (unfinished / "pylock.toml").unlink()
        (unfinished / "layer.json").write_text(json.dumps(record))
        unfinished.rename(place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _run_installer(requirements: Requirements, group: Sequence[Requirement], platform: Platform, folder: Path) -> None:
    pylock = folder / "pylock.toml"
    pylock.write_text("".join([requirements.header, *(package.block for package in group)]))
    wanted = ["--preview-features", "pylock", "-r", str(pylock)]
    refresh = [f"--refresh-package={package.name}" for package in group if package.local]
    uv.run(
        ["pip", "install", *platform.uv_arguments, "--target", str(folder / "tree"), *refresh, *wanted],
        cwd=requirements.source.parent,
        indexes=requirements.indexes,
        doing=f"Installing packages for Python {platform.python} on {platform.label}",
        explain=lambda said: _explain(said, platform),
    )


def _explain(said: str, platform: Platform) -> tuple[str, str] | None:
    """A message and hint for a package of an index that could not be had for `platform`; None for any other failure."""
    found = re.search(r"[Ff]ailed to (?:download and )?build `([^`]+)`", said) or re.search(
        r"Package `([^`]+)` can't be installed because it doesn't have a", said
    )
    if found is None or re.search(r"\s@\s+file:", found[1]):
        return None
    return _no_wheel(found[1], platform, f"\n{uv.last_lines(said)}")


def _no_wheel(package: str, platform: Platform, details: str = "") -> tuple[str, str]:
    where = f"Python {platform.python} on {platform.label}"
    hint = (
        "Take a version, or another package, that has one (psycopg[binary] for psycopg2), or change `architecture` or"
        " `python_version` in [awscontainer]."
    )
    if platform.python == "3.11":
        hint += " Lambda's Linux for Python 3.11 is an older one: from 3.12 on it takes more wheels."
    return f"{package} has no wheel for {where}, and its source does not give one either.{details}", hint


def _refuse_local_machine_code(tree: Path, platform: Platform) -> None:
    for name, tags in installed.wheel_tags(tree).items():
        if any(tag.rsplit("-", 1)[-1].startswith(("linux_", "macosx_", "win")) for tag in tags):
            raise BuildFailed(*_no_wheel(name, platform, " It was compiled for this machine, which Lambda is not."))


def _load(place: Path) -> Layer:
    record = json.loads((place / "layer.json").read_text())
    tree = place / "tree"
    files = {name: archive.Entry(tree / name, *facts) for name, facts in record["files"].items()}
    return Layer(files, record["sizes"])


def _prune(folder: Path) -> None:
    """Keeps the layers that were used last."""
    layers = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in layers[:-_KEPT_LAYERS]:
        shutil.rmtree(path, ignore_errors=True)
