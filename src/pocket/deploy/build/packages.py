"""Installs an artifact's packages for its platform, in layers that are reused until their input changes.

One layer holds all packages from an index, which change with the lock. Each package built from a local path, which
changes with every edit, has a layer of its own. A layer's files have the same bytes on every machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.deploy.build import archive, bytecode, installed, unread, uv
from pocket.deploy.build.libraries import copied
from pocket.deploy.build.source import folder_digest
from pocket.deploy.reporting import last_lines
from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from pocket.deploy.build.platforms import Platform
    from pocket.deploy.build.requirements import Requirement, Requirements

_FORMAT = "3"
"""Part of every layer's key: another number rebuilds all layers."""

_KEPT_BYTES = 300 << 20
"""Bytes to keep of layers that the last build did not use, such as those for another platform."""


@dataclass(frozen=True)
class Layer:
    """Installed packages: their files, the distribution of each, and what `unread.mentions` finds in them.

    `local` means that they are built from a local path, and not from an index.
    """

    files: Mapping[str, archive.Entry]
    owners: Mapping[str, str]
    mentions: frozenset[str] = frozenset()
    local: bool = False

    @property
    def sizes(self) -> dict[str, int]:
        """The bytes of each distribution, its bytecode included."""
        found = dict.fromkeys(self.owners.values(), 0)
        for name, entry in self.files.items():
            owner = self.owners.get(bytecode.source_of(name) or name)
            if owner is not None:
                found[owner] += entry.size
        return found


def install(requirements: Requirements, platform: Platform, interpreter: str | None, folder: Path) -> list[Layer]:
    """The layers of `requirements` for `platform`; those that `folder` lacks are installed into it.

    `interpreter` compiles their bytecode; None leaves it out. Raises BuildFailed where a package has no distribution
    for the platform or does not build.
    """
    remote = [package for package in requirements.packages if package.local is None]
    used, made = set(), False
    groups = [remote, *([package] for package in requirements.packages if package.local is not None)]
    layers = []
    for group in groups:
        if not group:
            continue
        place = folder / _key(requirements, group, platform, interpreter)
        if not place.is_dir():
            _make(requirements, group, platform, interpreter, place)
            made = True
        os.utime(place)
        used.add(place)
        layers.append(_load(place, local=group[0].local is not None))
    if made:
        _prune(folder, used)
    return layers


def are_made(requirements: Requirements, platform: Platform, interpreter: str | None, folder: Path) -> bool:
    """Whether `folder` has the layer of the packages from an index, if there are any."""
    remote = [package for package in requirements.packages if package.local is None]
    return not remote or (folder / _key(requirements, remote, platform, interpreter)).is_dir()


def remove_layer(folder: Path, file: Path) -> None:
    """Removes the layer in `folder` that `file` belongs to, if it belongs to one."""
    if file.is_relative_to(folder):
        shutil.rmtree(folder / file.relative_to(folder).parts[0])


def _key(requirements: Requirements, group: Sequence[Requirement], platform: Platform, interpreter: str | None) -> str:
    parts = [_FORMAT, platform.python, platform.uv or platform.label, bytecode.identity(interpreter)]
    for package in group:
        parts += [package.name, folder_digest(package.local)] if package.local else [package.block]
    if group[0].local is None:
        # uv verifies the hashes in these files only when it installs.
        parts += [
            hashlib.sha256(file.read_bytes()).hexdigest() for file in (*requirements.files, *requirements.constraints)
        ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _make(
    requirements: Requirements, group: Sequence[Requirement], platform: Platform, interpreter: str | None, place: Path
) -> None:
    unfinished = place.with_name(f"{place.name}.{os.getpid()}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    tree = unfinished / "tree"
    tree.mkdir(parents=True)
    try:
        with _wanted(requirements, group, unfinished) as wanted:
            python = interpreter or sys.executable
            uv.run(
                ["pip", "install", *platform.uv_arguments(python), "--target", str(tree), *wanted],
                cwd=requirements.source.parent,
                indexes=requirements.indexes if group[0].local else (),
                doing=f"Installing packages for Python {platform.python} on {platform.label}",
                explain=lambda stderr: _explain(stderr, platform),
            )
        if platform.uv is not None:
            _refuse_local_machine_code(tree, platform)
        installed.clean(tree)
        if interpreter is not None:
            bytecode.compile_tree(interpreter, tree)
        files = archive.scan(tree)
        record = {
            "owners": installed.owners(tree),
            "mentions": sorted(unread.mentions({name: entry.source for name, entry in files.items()})),
            "files": {name: [entry.size, entry.sha256, entry.executable] for name, entry in files.items()},
        }
        (unfinished / "layer.json").write_text(json.dumps(record))
        unfinished.rename(place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _wanted(requirements: Requirements, group: Sequence[Requirement], folder: Path) -> Iterator[list[str]]:
    """uv's arguments for the packages of `group`; the files that they name are in `folder` for the block.

    Packages of requirements files are installed from those files, with the resolved versions added, so that uv reads
    their hashes and indexes itself. All others are installed from a pylock, local ones from a copy of their folder.
    """
    if requirements.files and group[0].local is None:
        chosen = {package.name for package in group}
        others = sorted({package.name for package in requirements.packages} - chosen | {*requirements.dropped})
        versions, excluded = folder / "versions.txt", folder / "excluded.txt"
        versions.write_text("".join(f"{package.line}\n" for package in group))
        excluded.write_text("".join(f"{name}\n" for name in others))
        source = str(requirements.source)
        # uv verifies the hashes of a constraints file in its arguments, not of one that another file includes.
        constraints = [word for file in requirements.constraints for word in ("-c", str(file))]
        yield ["--no-deps", "-r", source, "-r", str(versions), *constraints, "--excludes", str(excluded)]
        versions.unlink()
        excluded.unlink()
        return
    pylock = folder / "pylock.toml"
    with ExitStack() as copies:
        blocks = [
            package.block if package.local is None else package.built_from(copies.enter_context(copied(package.local)))
            for package in group
        ]
        pylock.write_text("".join([requirements.header, *blocks]))
        refresh = [f"--refresh-package={package.name}" for package in group if package.local]
        yield [*refresh, "--preview-features", "pylock", "-r", str(pylock)]
    pylock.unlink()


def _explain(stderr: str, platform: Platform) -> tuple[str, str] | None:
    """Message and hint for a package of an index that does not install for `platform`; None for any other failure."""
    if re.search(
        r"[Hh]ash mismatch|no matching hash|does not match any of the (?:expected )?hashes|but no hash", stderr
    ):
        hint = "If the file was changed after its hashes, generate them again. Otherwise, do not install this package."
        return f"A package does not match the hash that the project gives:\n{last_lines(stderr)}", hint
    found = re.search(r"[Ff]ailed to (?:download and )?build `([^`]+)`", stderr) or re.search(
        r"Package `([^`]+)` can't be installed because it doesn't have a", stderr
    )
    if found is None or re.search(r"\s@\s+file:", found[1]):
        return None
    return _no_wheel(found[1], platform, f"\n{last_lines(stderr)}")


def _no_wheel(package: str, platform: Platform, details: str = "") -> tuple[str, str]:
    where = f"Python {platform.python} on {platform.label}"
    hint = (
        "Use a version, or another package, that has one (psycopg[binary] for psycopg2), or change `architecture` or"
        " `python_version` in [awscontainer]."
    )
    if platform.python == "3.11":
        hint += " Lambda runs Python 3.11 on an older Linux; from 3.12 on it accepts more wheels."
    return f"{package} has no wheel for {where}, and its source does not build for it.{details}", hint


def _refuse_local_machine_code(tree: Path, platform: Platform) -> None:
    for name, tags in installed.wheel_tags(tree).items():
        if any(tag.rsplit("-", 1)[-1].startswith(("linux_", "macosx_", "win")) for tag in tags):
            raise BuildFailed(*_no_wheel(name, platform, " It was compiled for this machine instead."))


def _load(place: Path, *, local: bool) -> Layer:
    record = json.loads((place / "layer.json").read_text())
    tree = place / "tree"
    files = {name: archive.Entry(tree / name, *facts) for name, facts in record["files"].items()}
    return Layer(files, record["owners"], frozenset(record["mentions"]), local)


def _prune(folder: Path, used: AbstractSet[Path]) -> None:
    """Removes layers, but for those in `used` and the most recently used others, up to `_KEPT_BYTES`."""
    kept = 0
    others = (path for path in folder.iterdir() if path.is_dir() and path not in used)
    for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True):
        kept += sum(item.stat().st_size for item in path.rglob("*") if item.is_file())
        if kept > _KEPT_BYTES:
            shutil.rmtree(path, ignore_errors=True)
