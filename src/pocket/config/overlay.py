"""How a stage's tables lie over the common ones: key by key, tables in tables too; a list replaces a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KeyPath = tuple[str | int, ...]
"""The way to a value: names of keys, and indexes in lists."""


def lay_over(common: Mapping[str, Any], stage: Mapping[str, Any]) -> dict[str, Any]:
    """`common` with `stage` over it; both stay as they are."""
    laid = dict(common)
    for key, value in stage.items():
        below = laid.get(key)
        laid[key] = lay_over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return laid


def comes_from_stage(common: object, stage: object, path: Sequence[str | int]) -> bool:
    """Whether the value at `path` of the laid tables was written in the stage's; a table that both have is common."""
    if not isinstance(stage, Mapping) or not isinstance(common, Mapping):
        return True
    if not path:
        return False
    if path[0] not in stage:
        return False
    return path[0] not in common or comes_from_stage(common[path[0]], stage[path[0]], path[1:])
