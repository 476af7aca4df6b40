"""Packages of a pylock as Lambda would have them: those that apply, and those without a wheel that it loads.

Markers are those of PEP 508; the names of files have tags (PEP 425, PEP 427).
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from packaging.markers import Marker, default_environment
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pocket.deploy.build.platforms import Platform
    from pocket.deploy.build.requirements import Requirement


def lacking(packages: Iterable[Requirement], platform: Platform) -> list[str]:
    """Name and version of every package of an index that has no wheel for `platform`, one of Lambda's."""
    known = frozenset(_tags(platform))
    found = []
    for package, entry in _applying(packages, platform):
        if package.local is not None or not ("wheels" in entry or "sdist" in entry):
            continue
        if not any(known & _tags_of(wheel) for wheel in entry.get("wheels", ())):
            found.append(f"{package.name} {entry.get('version', '')}".strip())
    return found


def version_of(name: str, packages: Iterable[Requirement], platform: Platform) -> str | None:
    """The version of the package `name` that is installed for `platform`; None without one, or where it is local."""
    found = (entry.get("version") for package, entry in _applying(packages, platform) if package.name == name)
    return next(found, None)


def _applying(packages: Iterable[Requirement], platform: Platform) -> Iterator[tuple[Requirement, dict[str, Any]]]:
    """The packages whose markers apply to `platform`, each with its entry."""
    environment = _environment(platform)
    for package in packages:
        entry = tomllib.loads(package.block)["packages"][0]
        if "marker" not in entry or Marker(entry["marker"]).evaluate(environment):
            yield package, entry


def _tags_of(wheel: Mapping[str, Any]) -> frozenset[Tag]:
    name = wheel.get("name") or str(wheel.get("url") or wheel.get("path")).rpartition("/")[2]
    try:
        return parse_wheel_filename(name)[3]
    except InvalidWheelFilename:
        return frozenset()


def _tags(platform: Platform) -> Iterator[Tag]:
    """The tags of the wheels that `platform` loads."""
    version = [int(part) for part in platform.python.split(".")]
    machine, _, libc = (platform.uv or "").partition("-")
    newest = 17 if libc == "manylinux2014" else int(libc.rpartition("_")[2])
    places = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, 4, -1)]
    places += [f"{name}_{machine}" for name in ("manylinux2014", "manylinux2010", "manylinux1", "linux")]
    yield from cpython_tags(version, platforms=places)
    yield from compatible_tags(version, platforms=places)


def _environment(platform: Platform) -> dict[str, str]:
    """The environment in which markers are evaluated."""
    found = {**default_environment(), "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    version = {"python_version": platform.python, "python_full_version": f"{platform.python}.0"}
    machine = (platform.uv or "").partition("-")[0]
    return {**{key: str(value) for key, value in found.items()}, **version, "platform_machine": machine}
