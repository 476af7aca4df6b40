"""Notes on which files of a project were packed and which were left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket.deploy.build import patterns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_CODE = (
    *("*.py", "*.pyi", "*.so", "*.html", "*.mo", "py.typed"),
    *("templates/*", "static/*", "locale/*", "*/templates/*", "*/static/*", "*/locale/*"),
)
_LISTED = 12


def notes(secrets: Sequence[str], left_out: Sequence[str], files: Mapping[str, Path]) -> Iterator[str]:
    """Notes on files with `secrets`, on files `left_out` by default, and on those of `files` that are not code."""
    if secrets:
        hint = "Functions read secrets from [awscontainer.secretsmanager]."
        yield f"Left out because they may hold secrets: {', '.join(secrets)}. {hint}"
    if left_out:
        hint = f'To pack one, add it with "!" to [awscontainer]: exclude = ["!{left_out[0]}"].'
        yield f"Left out by default: {', '.join(left_out)}. {hint}"
    others = {
        name: path.stat().st_size for name, path in files.items() if not patterns.matches(name, _CODE, folder=False)
    }
    if others:
        yield f"Packed besides code ({len(others)}): {_listing(others)}."


def _listing(sizes: Mapping[str, int]) -> str:
    """Every name with its size; for many files, the top-level folders that hold them, largest first."""
    if len(sizes) <= _LISTED:
        return ", ".join(f"{name} ({_kilobytes(size)})" for name, size in sizes.items())
    folders: dict[str, list[int]] = {}
    for name, size in sizes.items():
        first, below, _ = name.partition("/")
        folders.setdefault(first + below, []).append(size)
    largest = sorted(folders.items(), key=lambda item: (-sum(item[1]), item[0]))
    shown = [
        f"{name} ({f'{len(found)} files, ' if name.endswith('/') else ''}{_kilobytes(sum(found))})"
        for name, found in largest
    ]
    more = [f"{len(shown) - _LISTED} more"] if len(shown) > _LISTED else []
    return ", ".join([*shown[:_LISTED], *more])


def _kilobytes(size: int) -> str:
    return f"{size} bytes" if size < 1024 else f"{size / 1024:,.0f} KB"
