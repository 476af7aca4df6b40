"""The source of the values for `settings.py`: the manifest in the artifact, otherwise pocket.toml.

`POCKET_STAGE` selects the stage's tables; without it, `[general.django_fallback]` has the tables.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.django.configuration.errors import ReleaseError, SetupFailed
from pocket.naming import STAGE_KEY
from pocket.runtime import manifest_file, variables

if TYPE_CHECKING:
    from pocket.manifest import Api, DjangoTables, Manifest, Stage

_built: dict[Path, tuple[tuple[int, int], Manifest]] = {}


def manifest() -> tuple[Manifest, Path]:
    """The manifest and its file, read again only if the file has changed.

    Raises ConfigError or ManifestError.
    """
    path = manifest_file.locate()
    if path is not None:
        return manifest_file.read(path), Path(path)
    from pocket.config import find_file

    found = find_file(_start())
    return _load(found), found


def stage_name() -> str | None:
    """The stage in `POCKET_STAGE`; None if it is unset or empty."""
    return os.environ.get(STAGE_KEY) or None


def stage(of: Manifest, name: str) -> Stage:
    """The stage `name`; raises ReleaseError, which lists the known stages."""
    found = variables.stage_of(of, name, os.environ)
    if found is None:
        raise ReleaseError(
            f"{STAGE_KEY} is {name!r}; expected a stage of pocket.toml.", f"The stages are: {', '.join(of.stages)}."
        )
    return found


def tables() -> tuple[DjangoTables, Manifest, Path]:
    """The tables of the stage or of the fallback, with the manifest and its file."""
    found, path = manifest()
    name = stage_name()
    return (stage(found, name).django if name else found.fallback), found, path


def api() -> Api:
    """The stage's `[awscontainer.fastapi]`; raises SetupFailed without that table."""
    found, path = manifest()
    name = stage_name()
    configured = stage(found, name).api if name else None
    if configured is None:
        raise SetupFailed(
            f"{path} has no API for stage {name!r}.",
            'Add to pocket.toml: [awscontainer.fastapi] app = "config.api:app"',
        )
    return configured


def _load(path: Path) -> Manifest:
    from pocket.config import build_manifest, load

    stat = path.stat()
    stamp = stat.st_mtime_ns, stat.st_size
    known = _built.get(path)
    if known is None or known[0] != stamp:
        known = _built[path] = stamp, build_manifest(load(path))
    return known[1]


def _start() -> Path:
    """The folder in which the search for pocket.toml begins: the settings module's, otherwise the current one."""
    module = sys.modules.get(os.environ.get("DJANGO_SETTINGS_MODULE", ""))
    file = getattr(module, "__file__", None)
    return Path(file).resolve().parent if file else Path.cwd()
