"""What the artifact installs: which file says so, and the exact packages that uv makes of it.

A lock is exported as it stands and must be up to date; anything else is resolved for the target's platform. Either way
the result is a pylock (PEP 751), whose entries name one version, its files and their hashes, or a local path.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.deploy.build import uv
from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from pocket.deploy.build.platforms import Platform

DISTRIBUTION = "django-pocket"
_NEEDED_FOR_BUILDING_ONLY = "pydantic"
_LOCK = "uv.lock"


@dataclass(frozen=True)
class Requirement:
    """One package; `block` is its entry of the pylock, `local` the folder or file that it is built from."""

    name: str
    block: str
    local: Path | None = None


@dataclass(frozen=True)
class Requirements:
    """All that is installed: `header` opens a pylock, `dropped` names what is left out on purpose.

    `indexes` are URLs that may hold the credentials without which an index gives nothing.
    """

    source: Path
    header: str
    packages: tuple[Requirement, ...]
    dropped: tuple[str, ...] = ()
    indexes: tuple[str, ...] = field(default=(), repr=False)


def locate(directory: Path, wanted: str | None) -> Path:
    """The file that says what to install: `wanted`, relative to the project's `directory`, where the project names it.

    Otherwise `uv.lock` (also that of the workspace the folder is a member of), `requirements.txt`, `pyproject.toml`.
    Raises BuildFailed where there is none.
    """
    if wanted is not None:
        path = (directory / wanted).resolve()
        if not path.is_file():
            raise BuildFailed(
                f'awscontainer.requirements = "{wanted}": {directory} has no such file.',
                "Name a uv.lock, a requirements file or a pyproject.toml, relative to pocket.toml.",
            )
        return path
    candidates = [directory / _LOCK, directory / "requirements.txt", directory / "pyproject.toml"]
    workspace_lock = _workspace_lock(directory)
    if workspace_lock is not None:
        candidates.insert(1, workspace_lock)
    for path in candidates:
        if path.is_file():
            return path
    raise BuildFailed(
        f"{directory} has no uv.lock, requirements.txt or pyproject.toml, so nothing says what to install.",
        f"Create one, for instance: uv init --bare && uv add django {DISTRIBUTION}. "
        "A file elsewhere is named by `requirements` in [awscontainer].",
    )


def resolve(directory: Path, source: Path, platform: Platform) -> Requirements:
    """The exact packages that `source` stands for on `platform`.

    Raises BuildFailed where the lock is out of date, nothing satisfies the file, an index has other files than those
    whose hashes the file gives, or Pocket itself is not among the packages.
    """
    command, where = _command(directory, source, platform)
    doing = f"Reading {source.name}"
    header, packages = parse(uv.run([*command, "--format", "pylock.toml"], cwd=where, doing=doing), where)
    names = {package.name for package in packages}
    if DISTRIBUTION not in names:
        raise BuildFailed(
            f"{source} does not lead to {DISTRIBUTION}, which every function needs.",
            f"Add it to the project's dependencies (uv add {DISTRIBUTION}); a development group does not count.",
        )
    dropped: AbstractSet[str] = frozenset()
    if _NEEDED_FOR_BUILDING_ONLY in names:
        dropped = needless(parents(uv.run([*command, *_annotated(source)], cwd=where, doing=doing)))
    kept = [package for package in packages if package.name not in dropped]
    text = "" if source.suffix in (".lock", ".toml") else read_with_includes(source)
    if trusted := own_hashes(text):
        kept = [package if package.local else held_to(package, trusted, source) for package in kept]
    return Requirements(source, header, tuple(kept), tuple(sorted(dropped)), own_indexes(text))


def parse(pylock: str, directory: Path) -> tuple[str, list[Requirement]]:
    """Header and packages of a pylock whose relative paths start at `directory`; local folders are never editable."""
    header, *blocks = re.split(r"^(?=\[\[packages\]\]$)", pylock, flags=re.MULTILINE)
    packages = []
    for block in blocks:
        entry = tomllib.loads(block)["packages"][0]
        given = entry.get("directory", entry.get("archive", {})).get("path")
        if given is None:
            packages.append(Requirement(entry["name"], block))
            continue
        local = (directory / given).resolve()
        absolute = block.replace(f"path = {json.dumps(given)}", f"path = {json.dumps(str(local))}")
        packages.append(Requirement(entry["name"], absolute.replace(", editable = true", ""), local))
    return header, packages


def own_hashes(text: str) -> frozenset[str]:
    """The SHA-256 sums that a requirements file gives after `--hash`."""
    return frozenset(re.findall(r"--hash[ =]sha256:([0-9a-f]{64})", text))


def own_indexes(text: str) -> tuple[str, ...]:
    """The URLs of the indexes that a requirements file names, with what it takes from the environment filled in."""
    options = re.findall(r"^\s*(?:-i|--index-url|--extra-index-url)[ =]+(\S+)", text, re.MULTILINE)
    return tuple(os.path.expandvars(url) for url in options)


def read_with_includes(source: Path) -> str:
    """The text of a requirements file and of the files that it includes."""
    text = source.read_text()
    included = re.findall(r"^\s*(?:-r|--requirement)[ =]*(\S+)", text, re.MULTILINE)
    return "\n".join([text, *(read_with_includes(source.parent / name) for name in included if "://" not in name)])


def held_to(package: Requirement, trusted: AbstractSet[str], source: Path) -> Requirement:
    """`package` with only those of its files whose SHA-256 is `trusted`; raises BuildFailed where none is."""
    entry = tomllib.loads(package.block)["packages"][0]
    wheels = [_file(wheel) for wheel in entry.get("wheels", ()) if _sum(wheel) in trusted]
    single = [kind for kind in ("sdist", "archive") if _sum(entry.get(kind, {})) in trusted]
    lines = [f"wheels = [{', '.join(wheels)}]"] if wheels else []
    lines += [f"{kind} = {_file(entry[kind])}" for kind in single]
    if not lines:
        version = f"{package.name} {entry.get('version', '')}".strip()
        raise BuildFailed(
            f"{source.name} gives hashes, and none is that of a file of {version} on the index.",
            "If the file is newer than its hashes, make them again; if it is not, do not install this package.",
        )
    head = [f"{key} = {json.dumps(entry[key])}" for key in ("name", "version", "marker") if key in entry]
    return Requirement(package.name, "\n".join(["[[packages]]", *head, *lines, "", ""]))


def _sum(entry: Mapping[str, Any]) -> str | None:
    found: str | None = entry.get("hashes", {}).get("sha256")
    return found


def _file(entry: Mapping[str, Any]) -> str:
    return f'{{ url = {json.dumps(entry["url"])}, hashes = {{ sha256 = "{entry["hashes"]["sha256"]}" }} }}'


def parents(annotated: str) -> dict[str, set[str]]:
    """Who asks for each package, from the `# via` comments that uv writes below each line of requirements."""
    found: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in annotated.splitlines():
        if comment := re.match(r"\s+#\s+(?:via\b\s*)?(.*)", line):
            current.update({comment[1]} - {""})
        elif name := re.match(r"[A-Za-z0-9][\w.-]*(?=\[|==| @|$)", line):
            current = found.setdefault(name[0], set())
        elif line[:1].strip():
            current = set()
    return found


def needless(parents: Mapping[str, AbstractSet[str]]) -> frozenset[str]:
    """The packages that only reading `pocket.toml` needs: a function reads the manifest instead.

    That is pydantic where Pocket alone asks for it, and whatever only packages left out this way ask for.
    """
    dropped: set[str] = set()
    grown = True
    while grown:
        askers = {name: dropped | {DISTRIBUTION} if name == _NEEDED_FOR_BUILDING_ONLY else dropped for name in parents}
        found = {name for name, asking in parents.items() if asking and asking <= askers[name]}
        grown = not found <= dropped
        dropped |= found
    return frozenset(dropped)


def _command(directory: Path, source: Path, platform: Platform) -> tuple[list[str], Path]:
    """uv's arguments, and the folder to run them in."""
    if source.name == _LOCK:
        member = source.parent == directory or _workspace_lock(directory) == source
        options = ["--locked", "--no-dev", "--no-emit-project", "--no-editable", "--no-header"]
        return ["export", *options], directory if member else source.parent
    return ["pip", "compile", str(source), *platform.uv_arguments, "--no-header"], directory


def _annotated(source: Path) -> list[str]:
    return ["--no-hashes"] if source.name == _LOCK else ["--annotation-style", "split"]


def _workspace_lock(directory: Path) -> Path | None:
    """The lock of the uv workspace that `directory` is a member of."""
    for ancestor in directory.parents:
        path = ancestor / _LOCK
        if not path.is_file():
            continue
        place = directory.relative_to(ancestor).as_posix()
        sources = (package.get("source", {}) for package in tomllib.loads(path.read_text()).get("package", ()))
        if any(place in (source.get("editable"), source.get("virtual")) for source in sources):
            return path
    return None
