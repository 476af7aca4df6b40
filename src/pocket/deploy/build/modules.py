"""Bundles the modules that a start imports."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pocket import bundle, naming
from pocket.deploy.build import archive, bytecode, cache
from pocket.deploy.build.archive import Entry

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

_STARTING = frozenset(
    {
        *("django", "asgiref", "sqlparse", "environ", "pocket", "storages"),
        *("fastapi", "starlette", "anyio", "pydantic", "annotated_types", "typing_extensions", "typing_inspection"),
    }
)
"""Packages that a start imports where they are installed; others are left out to keep the bundle small."""

_LATER = frozenset({"migrations", "locale", "gis", "tests", "test", "commands", "v1"})
"""Folders whose modules a start does not import; `v1` is pydantic's first version, which its second contains."""

SUFFIX = ".modules"
_FORMAT = "1"
"""Of `bundle.encode`: another number makes the kept bundles again."""

_OF_THE_COMMAND = ("pocket/cli/", "pocket/deploy/", "pocket/local/")


def bundled(parts: Sequence[Mapping[str, Entry]], own: Collection[str], kept: Path) -> list[dict[str, Entry]]:
    """The parts that `naming.MODULES_FILES` lists, each with a bundle of its modules, where it has compiled ones.

    One part's modules do not change another's bundle. `own` are the names of the project's files. Bundles are kept in
    the folder `kept`.
    """
    sources = {name for part in parts for name in part if name.endswith(".py") and _starts(name, own)}
    return [
        {**part, **_entry(name, part, sources, kept)} for part, name in zip(parts, naming.MODULES_FILES, strict=True)
    ]


def _entry(name: str, part: Mapping[str, Entry], starting: AbstractSet[str], kept: Path) -> dict[str, Entry]:
    """The bundle of the `starting` modules in a part, by its name in the artifact; empty where there are none."""
    compiled = ((bytecode.source_of(each), entry) for each, entry in part.items())
    chosen = {source: entry for source, entry in compiled if source in starting and source is not None}
    if not chosen:
        return {}
    path = kept / f"{archive.digest([chosen])[:32]}-{_FORMAT}{SUFFIX}"
    if (record := cache.find(path)) is None:
        made = path.with_suffix(f".{os.getpid()}.part")
        try:
            made.write_bytes(bundle.encode({source: entry.read() for source, entry in chosen.items()}))
            record = cache.Record(Entry.of(made).sha256)
            cache.keep(made, path, record.sha256)
        finally:
            made.unlink(missing_ok=True)
    return {name: Entry(path, path.stat().st_size, record.sha256)}


def _starts(source: str, own: Collection[str]) -> bool:
    parts = source.removesuffix(".py").split("/")
    if not all(part.isidentifier() for part in parts) or not _LATER.isdisjoint(parts[:-1]):
        return False
    if source.startswith(_OF_THE_COMMAND):
        return False
    return parts[0] in _STARTING or source in own
