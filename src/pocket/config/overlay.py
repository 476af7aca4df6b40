"""Merging a stage's tables into the common ones: key by key, at every depth; a list replaces a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KeyPath = tuple[str | int, ...]
"""The path of a value: names of keys, and indexes of list items."""


def merge(common: Mapping[str, Any], stage: Mapping[str, Any]) -> dict[str, Any]:
    """`common` overridden by `stage`; changes neither."""
    merged = dict(common)
    for key, value in stage.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def comes_from_stage(common: object, stage: object, path: Sequence[str | int]) -> bool:
    """Whether the value at `path` of the merged tables comes from the stage's; a table that both have is common."""
    if not isinstance(stage, Mapping) or not isinstance(common, Mapping):
        return True
    if not path:
        return False
    if path[0] not in stage:
        return False
    return path[0] not in common or comes_from_stage(common[path[0]], stage[path[0]], path[1:])
