"""Removes from installed packages what functions do not read, and what the project's `exclude` leaves out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pocket.deploy.build import bytecode, path_patterns, unread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.deploy.build.archive import Entry
    from pocket.deploy.build.packages import Layer
    from pocket.deploy.reporting import Noting

EXCLUDED = "excluded"
_NOTED = 100_000
"""Bytes left out from which on a note is worth it."""


def trim(layers: Sequence[Layer], own: Mapping[str, Entry], exclude: Sequence[str], reporter: Noting) -> list[Layer]:
    """The layers without the files that are left out, whose size is noted. `own` are the project's files.

    A pattern of `exclude` that begins with `!` brings back what would be left out.
    """
    files = {name: entry for layer in layers for name, entry in layer.files.items()}
    out = _left_out(files, layers, own, exclude)
    out |= {name: out[source] for name in files if (source := bytecode.source_of(name)) in out}
    sizes: Counter[str] = Counter()
    for name, kind in out.items():
        sizes[kind] += files[name].size
    if sizes.total() >= _NOTED:
        kinds = ", ".join(f"{kind} {_megabytes(size)}" for kind, size in sizes.most_common())
        reporter.note(f"Left out of packages, not read by functions: {_megabytes(sizes.total())} ({kinds}).")
    kept = [{name: entry for name, entry in layer.files.items() if name not in out} for layer in layers]
    return [replace(layer, files=left) for layer, left in zip(layers, kept, strict=True)]


def _left_out(
    files: Mapping[str, Entry], layers: Sequence[Layer], own: Mapping[str, Entry], exclude: Sequence[str]
) -> dict[str, str]:
    """The kind of every file that is left out."""
    mentioned = unread.mentions({name: entry.source for name, entry in own.items()})
    mentioned.update(*(layer.mentions for layer in layers))
    out = unread.find(files, {owner for layer in layers for owner in layer.owners.values()}, mentioned)
    for name in files if exclude else ():
        excluded = path_patterns.in_package(name, exclude)
        if excluded:
            out[name] = EXCLUDED
        elif excluded is not None:
            out.pop(name, None)
    return out


def _megabytes(size: int) -> str:
    return f"{size / 1048576:.1f} MB"
