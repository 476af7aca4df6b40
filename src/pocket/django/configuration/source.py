"""Where the helpers for `settings.py` take their values from: the baked manifest, else pocket.toml.

`POCKET_STAGE` chooses the stage's own tables; without it the tables under `[general.django_fallback]` hold.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.django.configuration.faults import ReleaseError, SetupFailed
from pocket.naming import STAGE_KEY
from pocket.runtime import manifest_file

if TYPE_CHECKING:
    from pocket.manifest import Api, DjangoTables, Manifest, Stage

_built: dict[Path, tuple[tuple[int, int], Manifest]] = {}


def manifest() -> tuple[Manifest, Path]:
    """The manifest and the file that it comes from, read once as long as the file stays the same.

    Raises ConfigError or ManifestError.
    """
    path = manifest_file.locate()
    if path is not None:
        return manifest_file.read(path), Path(path)
    from pocket.config import find_file

    found = find_file(_start())
    return _load(found), found


def stage_name() -> str | None:
    """The stage that `POCKET_STAGE` names; None where it is unset or empty."""
    return os.environ.get(STAGE_KEY) or None


def stage(of: Manifest, name: str) -> Stage:
    """The stage called `name`; raises ReleaseError, naming the known ones."""
    try:
        return of.stages[name]
    except KeyError:
        raise ReleaseError(
            f"{STAGE_KEY} is {name!r}, and there is no such stage.", f"The stages are: {', '.join(of.stages)}."
        ) from None


def tables() -> tuple[DjangoTables, Manifest, Path]:
    """The tables that hold here, with the manifest and the file that they come from."""
    found, path = manifest()
    name = stage_name()
    return (stage(found, name).django if name else found.fallback), found, path


def api() -> Api:
    """What the stage's `[awscontainer.fastapi]` says; raises SetupFailed where there is none."""
    found, path = manifest()
    name = stage_name()
    configured = stage(found, name).api if name else None
    if configured is None:
        raise SetupFailed(
            f"{path} names no API for the stage {name}.",
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
    """Where the search for pocket.toml begins: the settings module that is being imported, else the current folder."""
    module = sys.modules.get(os.environ.get("DJANGO_SETTINGS_MODULE", ""))
    file = getattr(module, "__file__", None)
    return Path(file).resolve().parent if file else Path.cwd()
