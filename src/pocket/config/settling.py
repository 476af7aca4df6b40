"""Validation that goes on: every fault of the data, and what remains valid without the faulty keys.

Rules that compare several keys run on what remains, so that one misspelt key does not hide the other faults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from pocket.config.faults import Fault, translate
from pocket.config.overlay import KeyPath

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Settled(Generic[Model]):
    """The faults of some data, the paths that were left out on account of them, and the rest (None: nothing held)."""

    tables: Model | None
    faults: tuple[Fault, ...]
    left_out: tuple[KeyPath, ...]


def settle(model: type[Model], data: Mapping[str, Any], stand_ins: Mapping[str, Any] | None = None) -> Settled[Model]:
    """Validate `data`; `stand_ins` take the place of required keys at its top that are missing or faulty."""
    faults: list[Fault] = []
    left_out: list[KeyPath] = []
    remaining: Any = data
    while True:
        try:
            return Settled(model.model_validate(remaining), tuple(faults), tuple(left_out))
        except ValidationError as error:
            details = error.errors(include_url=False)
        if not left_out:
            faults = [translate(model, item) for item in details]
        for item in reversed(details):
            path = translate(model, item).path
            if item["type"] == "missing":
                if len(path) == 1 and path[0] in (stand_ins or {}):
                    remaining = {**remaining, path[0]: (stand_ins or {})[str(path[0])]}
                    left_out.append(path)
                    continue
                path = path[:-1]
            if not path:
                return Settled(None, tuple(faults), tuple(left_out))
            left_out.append(path)
            remaining = _without(remaining, path)


def _without(data: Any, path: Sequence[str | int]) -> Any:
    """A copy of `data` without what lies at `path`; `data` itself where nothing lies there any more."""
    first, *rest = path
    if isinstance(data, Mapping) and first in data:
        below = {first: _without(data[first], rest)} if rest else {}
        return {**{key: value for key, value in data.items() if key != first}, **below}
    if isinstance(data, list) and isinstance(first, int) and first < len(data):
        return [*data[:first], *([_without(data[first], rest)] if rest else []), *data[first + 1 :]]
    return data
