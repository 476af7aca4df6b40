"""The exact packages of an artifact, which uv resolves from a lock, a requirements file or a pyproject.toml.

A lock is exported unchanged and must be up to date; anything else is resolved for the target's platform. Either way
the result is a pylock (PEP 751), whose entries name one version, its files and their hashes, or a local path. Only uv
reads requirements files: to resolve them, and again, with their hashes, to install them.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.deploy.build import children, uv
from pocket.errors import BuildFailed
from pocket.naming import DISTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from pocket.config.tables.awscontainer import AwsContainer
    from pocket.deploy.build.platforms import Platform

_NEEDED_FOR_BUILDING_ONLY = "pydantic"
LOCK = "uv.lock"


@dataclass(frozen=True)
class Requirement:
    """One package; `block` is its entry of the pylock, `local` the folder or file that it is built from.

    `line` is the same package in a requirements file, `six==1.17.0`; empty where it is local.
    """

    name: str
    block: str
    local: Path | None = None
    line: str = ""

    def built_from(self, place: Path) -> str:
        """The entry of the pylock for a copy of the local folder or file at `place`."""
        return self.block.replace(f"path = {json.dumps(str(self.local))}", f"path = {json.dumps(str(place))}")


@dataclass(frozen=True)
class Requirements:
    """All packages to install: `header` begins a pylock, `dropped` are packages that are left out on purpose.

    `files` are the requirements files that were read, `constraints` the constraints files; both are empty for a lock
    or a pyproject.toml. `indexes` are the index URLs in them, which may hold credentials.
    """

    source: Path
    header: str
    packages: tuple[Requirement, ...]
    dropped: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    constraints: tuple[Path, ...] = ()
    indexes: tuple[str, ...] = field(default=(), repr=False)


def locate(directory: Path, wanted: str | None) -> Path:
    """The file to install from: `wanted`, relative to the project's `directory`, where it is given.

    Otherwise `uv.lock` (also that of the workspace the folder is a member of), `requirements.txt`, `pyproject.toml`.
    Raises BuildFailed where there is none.
    """
    if wanted is not None:
        path = (directory / wanted).resolve()
        if not path.is_file():
            raise BuildFailed(
                f'awscontainer.requirements = "{wanted}": File {path} does not exist.',
                "Set a uv.lock, a requirements file or a pyproject.toml, relative to pocket.toml.",
            )
        return path
    candidates = [directory / LOCK, directory / "requirements.txt", directory / "pyproject.toml"]
    above = workspace_lock(directory)
    if above is not None:
        candidates.insert(1, above)
    for path in candidates:
        if path.is_file():
            return path
    raise BuildFailed(
        f"{directory} has no uv.lock, requirements.txt or pyproject.toml, so there is nothing to install.",
        f"Create one, for example: uv init --bare && uv add django {DISTRIBUTION}. "
        "For a file elsewhere, set `requirements` in [awscontainer].",
    )


def resolve(directory: Path, source: Path, platform: Platform, *, options: Sequence[str] = ()) -> Requirements:
    """The exact packages that `source` resolves to on `platform`; `options` are those of `selection`.

    Raises BuildFailed where the lock is out of date, nothing satisfies the file, a hash has no exact version, or
    Pocket itself is not among the packages.
    """
    command, where = _command(directory, source, platform)
    doing = f"Reading {source.name}"
    with ThreadPoolExecutor(1, initializer=children.of_thread().adopt) as pool:
        with_parents = pool.submit(uv.run, [*command, *options, *_annotated(source)], cwd=where, doing=doing)
        pylock = uv.run([*command, *options, "--format", "pylock.toml"], cwd=where, doing=doing)
    header, packages = parse(pylock, where)
    names = {package.name for package in packages}
    if DISTRIBUTION not in names:
        raise BuildFailed(
            f"{source} does not include {DISTRIBUTION}, which every function needs.",
            f"Add it to the project's dependencies (uv add {DISTRIBUTION}); a development group is not installed.",
        )
    annotated = with_parents.result()
    required_by = parents(annotated)
    dropped = needless(required_by) if _NEEDED_FOR_BUILDING_ONLY in names else frozenset()
    kept = tuple(package for package in packages if package.name not in dropped)
    files = () if source.suffix in (".lock", ".toml") else tuple(sorted({source, *_files(required_by, where, "-r")}))
    constraints = _files(required_by, where, "-c") if files else ()
    for file in (*files, *constraints):
        refuse_loose_hashes(file)
    return Requirements(source, header, kept, tuple(sorted(dropped)), files, constraints, _indexes(annotated))


def selection(container: AwsContainer, source: Path) -> list[str]:
    """uv's options for the extras and the dependency groups that a project names.

    Raises BuildFailed where `source` is a requirements file, which has neither.
    """
    for key, names in (("extras", container.extras), ("groups", container.groups)):
        if names and source.suffix not in (".lock", ".toml"):
            raise BuildFailed(
                f"awscontainer.{key} = {json.dumps(names)}: {source.name} has no {key}.",
                "Only a uv.lock or a pyproject.toml has them: set one as `requirements` in [awscontainer].",
            )
    group = "" if source.name == LOCK else f"{source}:"
    extras = [word for name in container.extras for word in ("--extra", name)]
    return [*extras, *(word for name in container.groups for word in ("--group", f"{group}{name}"))]


def parse(pylock: str, directory: Path) -> tuple[str, list[Requirement]]:
    """Header and packages of a pylock whose relative paths start at `directory`; local folders are never editable.

    The header has no `requires-python`: the packages are for the target's Python, not for the one that installs.
    """
    header, *blocks = re.split(r"^(?=\[\[packages\]\]$)", pylock, flags=re.MULTILINE)
    packages = []
    for block in blocks:
        entry = tomllib.loads(block)["packages"][0]
        given = entry.get("directory", entry.get("archive", {})).get("path")
        if given is None:
            packages.append(Requirement(entry["name"], block, line=_line(entry)))
            continue
        local = (directory / given).resolve()
        absolute = block.replace(f"path = {json.dumps(given)}", f"path = {json.dumps(str(local))}")
        packages.append(Requirement(entry["name"], absolute.replace(", editable = true", ""), local))
    return re.sub(r"^requires-python = .*\n", "", header, flags=re.MULTILINE), packages


def _line(entry: Mapping[str, Any]) -> str:
    """The line of a requirements file for an entry of a pylock."""
    if url := entry.get("archive", {}).get("url"):
        return f"{entry['name']} @ {url}"
    if vcs := entry.get("vcs"):
        folder = f"#subdirectory={vcs['subdirectory']}" if "subdirectory" in vcs else ""
        return f"{entry['name']} @ {vcs['type']}+{vcs['url']}@{vcs['commit-id']}{folder}"
    return f"{entry['name']}=={entry['version']}"


def _files(required_by: Mapping[str, AbstractSet[str]], where: Path, option: str) -> tuple[Path, ...]:
    """The files that uv's comments name with `option`: `-r` for requirements, `-c` for constraints."""
    given = {name[3:] for names in required_by.values() for name in names if name.startswith(f"{option} ")}
    return tuple(sorted(path for path in ((where / name).resolve() for name in given) if path.is_file()))


def refuse_loose_hashes(file: Path) -> None:
    """Raises BuildFailed where a requirements file gives a hash without an exact version, which uv ignores."""
    data = file.read_bytes()
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    for line in re.sub(r"\\\r?\n", " ", data.decode(encoding, "replace")).splitlines():
        requirement, given, _ = line.partition("--hash")
        if given and not re.search(r"==|@|/|\.whl|#", requirement):
            raise BuildFailed(
                f"{file.name} gives a hash for {requirement.strip()}, which is not an exact version.",
                "Give the version of the hash, NAME==VERSION, or generate the file: uv pip compile --generate-hashes.",
            )


def _indexes(annotated: str) -> tuple[str, ...]:
    """The URLs that uv found in requirements files, with what they take from the environment filled in."""
    found = re.findall(r"^(?:--index-url|--extra-index-url) (\S+)$", annotated, re.MULTILINE)
    return tuple(os.path.expandvars(url) for url in found)


def parents(annotated: str) -> dict[str, set[str]]:
    """What requires each package, from the `# via` comments that uv writes below each requirement."""
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
    """The packages that are needed only to read `pocket.toml`; a function reads the manifest instead.

    That is pydantic, where only Pocket requires it, and the packages that only such packages require.
    """
    dropped: set[str] = set()
    grown = True
    while grown:
        allowed = {name: dropped | {DISTRIBUTION} if name == _NEEDED_FOR_BUILDING_ONLY else dropped for name in parents}
        found = {name for name, needing in parents.items() if needing and needing <= allowed[name]}
        grown = not found <= dropped
        dropped |= found
    return frozenset(dropped)


def _command(directory: Path, source: Path, platform: Platform) -> tuple[list[str], Path]:
    """uv's arguments, and the folder to run them in."""
    if source.name == LOCK:
        member = source.parent == directory or workspace_lock(directory) == source
        options = ["--locked", "--no-default-groups", "--no-emit-project", "--no-editable", "--no-header"]
        return ["export", *options], directory if member else source.parent
    return ["pip", "compile", str(source), *platform.uv_arguments(), "--no-header"], directory


def _annotated(source: Path) -> list[str]:
    return ["--no-hashes"] if source.name == LOCK else ["--annotation-style", "split", "--emit-index-url"]


def workspace_lock(directory: Path) -> Path | None:
    """The lock of the uv workspace that `directory` is a member of; None without one."""
    for ancestor in directory.parents:
        path = ancestor / LOCK
        if not path.is_file():
            continue
        place, text = directory.relative_to(ancestor).as_posix(), path.read_text()
        if f'"{place}"' not in text:  # To parse a large lock takes long.
            continue
        sources = (package.get("source", {}) for package in tomllib.loads(text).get("package", ()))
        if any(place in (source.get("editable"), source.get("virtual")) for source in sources):
            return path
    return None
