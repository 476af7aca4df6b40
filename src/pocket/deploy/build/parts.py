"""The parts of an artifact's zip, in the order of how seldom they change: packages, static files, the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.build import static

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.deploy.build.archive import Entry
    from pocket.deploy.build.packages import Layer
    from pocket.deploy.build.static import StaticFiles
    from pocket.deploy.reporting import Noting


def merge(trees: Sequence[Mapping[str, Entry]], reporter: Noting) -> dict[str, Entry]:
    """All files of `trees` by name, where a later tree wins; different files with the same name are noted."""
    files: dict[str, Entry] = {}
    for tree in trees:
        replaced = [
            name
            for name, entry in tree.items()
            if name in files and files[name].sha256 != entry.sha256 and not name.endswith(".pyc")
        ]
        if replaced:
            more = f" and {len(replaced) - 3} more" if len(replaced) > 3 else ""
            reporter.note(
                f"Different files with the same name, of which the later is used: {', '.join(replaced[:3])}{more}."
            )
        files.update(tree)
    return files


def by_change(layers: Sequence[Layer]) -> list[dict[str, Entry]]:
    """The files of the packages that change with the lock, and those of local packages."""
    trees: list[dict[str, Entry]] = [{}, {}]
    for layer in layers:
        trees[layer.local].update(layer.files)
    return trees


def separate(trees: Sequence[Mapping[str, Entry]]) -> list[dict[str, Entry]]:
    """The trees without files that a later one replaces, so that each name is in one of them."""
    later: set[str] = set()
    parts: list[dict[str, Entry]] = []
    for tree in reversed(trees):
        parts.append({name: entry for name, entry in tree.items() if name not in later})
        later |= tree.keys()
    return parts[::-1]


def static_entries(collected: StaticFiles | None) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """The static files in the artifact: the map of hashed names, and all others where they are served from it.

    Raises BuildFailed where the location of a `"filesystem"` storage is not in the artifact.
    """
    if collected is None:
        return {}, {}
    mapped = {} if collected.manifest is None else {naming.STATIC_MANIFEST_FILE: collected.manifest}
    if collected.in_bucket:
        return mapped, {}
    static.refuse_location(collected.location)
    mapped = {f"{collected.prefix}{name}": entry for name, entry in mapped.items()}
    return mapped, {f"{collected.prefix}{file.name}": file.content for file in collected.files}
