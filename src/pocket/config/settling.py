"""Validation that goes on: every fault of the data, and what remains valid without the faulty keys.

Rules that compare several keys run on what remains, so that one misspelt key does not hide the other faults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from pocket.config.faults import Fault, translate
from pocket.config.overlay import KeyPath

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Settled(Generic[Model]):
    """What held of some data, the faults of the rest, and the paths that were left out on account of them."""

    tables: Model
    faults: tuple[Fault, ...]
    left_out: tuple[KeyPath, ...]

    def rests_on(self, paths: Iterable[KeyPath]) -> bool:
        """Whether any of `paths` leads to what was left out."""
        return any(path[: len(gone)] == gone for path in paths for gone in self.left_out)


def settle(model: type[Model], data: Mapping[str, Any], stand_ins: Mapping[str, Any]) -> Settled[Model]:
    """Validate `data`, as often as it takes to leave every faulty key out.

    `stand_ins` hold a good value for each required key at the top of `model`, for where it is missing or faulty.
    """
    faults: list[Fault] = []
    left_out: dict[KeyPath, None] = {}
    remaining: Any = data
    while True:
        try:
            return Settled(model.model_validate(remaining), tuple(faults), tuple(left_out))
        except ValidationError as error:
            details = error.errors(include_url=False)
        found = [translate(model, item) for item in details]
        faults = faults or found
        # The deepest first, and the last of a list first, so that no index moves before it is used.
        for path in sorted(dict.fromkeys(_table_around(fault) for fault in reversed(found)), key=len, reverse=True):
            left_out[path] = None
            if len(path) == 1 and (path[0] in stand_ins or path[0] not in remaining):
                remaining = {**remaining, path[0]: stand_ins[str(path[0])]}
            else:
                remaining = _without(remaining, path)


def _table_around(fault: Fault) -> KeyPath:
    """What cannot stay: the faulty key itself, or the table that lacks a required one, unless that is the whole."""
    return fault.path[:-1] if fault.rule == "missing" and len(fault.path) > 1 else fault.path


def _without(data: Any, path: Sequence[str | int]) -> Any:
    """A copy of `data` without what lies at `path`."""
    first, *rest = path
    if isinstance(data, list) and isinstance(first, int):
        return [*data[:first], *([_without(data[first], rest)] if rest else []), *data[first + 1 :]]
    copy = dict(data)
    if rest:
        copy[first] = _without(copy[first], rest)
    else:
        del copy[first]
    return copy
