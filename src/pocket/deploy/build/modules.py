"""Bundles the modules that a start imports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pocket import bundle, naming
from pocket.deploy.build import bytecode
from pocket.deploy.build.archive import Entry

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_STARTING = frozenset(
    {
        *("django", "asgiref", "sqlparse", "environ", "pocket", "storages"),
        *("fastapi", "starlette", "anyio", "pydantic", "annotated_types", "typing_extensions", "typing_inspection"),
    }
)
"""Packages that a start imports where they are installed; others are left out to keep the bundle small."""

_LATER = frozenset({"migrations", "locale", "gis", "tests", "test", "commands", "v1"})
"""Folders whose modules a start does not import; `v1` is pydantic's first version, which its second contains."""

_OF_THE_COMMAND = ("pocket/cli/", "pocket/deploy/", "pocket/local/")


def entries(files: Mapping[str, Entry], own: Collection[str], folder: Path) -> dict[str, Entry]:
    """The bundle, written below `folder`, by its name in the artifact; empty where nothing was compiled.

    `files` are the artifact's files, `own` the names of the project's.
    """
    chosen = {}
    for name, entry in files.items():
        source = bytecode.source_of(name)
        if source is not None and source in files and _starts(source, own):
            chosen[source] = entry.source.read_bytes()
    if not chosen:
        return {}
    path = folder / naming.MODULES_FILE
    path.write_bytes(bundle.encode(chosen))
    return {naming.MODULES_FILE: Entry.of(path)}


def _starts(source: str, own: Collection[str]) -> bool:
    parts = source.removesuffix(".py").split("/")
    if not all(part.isidentifier() for part in parts) or not _LATER.isdisjoint(parts[:-1]):
        return False
    if source.startswith(_OF_THE_COMMAND):
        return False
    return parts[0] in _STARTING or source in own
