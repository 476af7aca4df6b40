"""Takes out of installed packages what no function reads, and what the project's `exclude` leaves out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pocket.deploy.build import bytecode, patterns, unread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.deploy.build.archive import Entry
    from pocket.deploy.build.packages import Layer
    from pocket.deploy.reporting import Reporter

EXCLUDED = "excluded"
_WORTH_TELLING = 100_000


def trim(layers: Sequence[Layer], own: Mapping[str, Entry], exclude: Sequence[str], reporter: Reporter) -> list[Layer]:
    """The layers without what stays out; how much that is, is told. `own` are the project's files.

    A pattern of `exclude` with `!` in front brings back what would stay out.
    """
    files = {name: entry for layer in layers for name, entry in layer.files.items()}
    out = _staying_out(files, layers, own, exclude)
    out |= {name: out[source] for name in files if (source := bytecode.source_of(name)) in out}
    sizes: Counter[str] = Counter()
    for name, kind in out.items():
        sizes[kind] += files[name].size
    if sizes.total() >= _WORTH_TELLING:
        kinds = ", ".join(f"{kind} {_megabytes(size)}" for kind, size in sizes.most_common())
        reporter.note(f"Left out of packages, since no function reads it: {_megabytes(sizes.total())} ({kinds}).")
    kept = [{name: entry for name, entry in layer.files.items() if name not in out} for layer in layers]
    return [replace(layer, files=left) for layer, left in zip(layers, kept, strict=True)]


def _staying_out(
    files: Mapping[str, Entry], layers: Sequence[Layer], own: Mapping[str, Entry], exclude: Sequence[str]
) -> dict[str, str]:
    """The kind of every file that stays out."""
    mentioned = unread.mentions({name: entry.source for name, entry in own.items()})
    mentioned.update(*(layer.mentions for layer in layers))
    out = unread.find(files, {owner for layer in layers for owner in layer.owners.values()}, mentioned)
    for name in files if exclude else ():
        excluded = patterns.in_package(name, exclude)
        if excluded:
            out[name] = EXCLUDED
        elif excluded is not None:
            out.pop(name, None)
    return out


def _megabytes(size: int) -> str:
    return f"{size / 1048576:.1f} MB"
