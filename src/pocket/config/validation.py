"""Validation that continues after an error: every issue in the data, and the tables without the invalid keys.

Rules that compare several keys run on these tables, so that one misspelt key does not hide the other issues.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from pocket.config.issues import Issue, known_keys, translate
from pocket.config.overlay import KeyPath
from pocket.config.suggestions import meant

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Validated(Generic[Model]):
    """The valid part of some data, the issues in the rest, and the paths that were left out because of them."""

    tables: Model
    issues: tuple[Issue, ...]
    left_out: tuple[KeyPath, ...]

    def depends_on(self, paths: Iterable[KeyPath]) -> bool:
        """Whether any of `paths` leads to or into what was left out."""
        return any(path[: len(gone)] == gone for path in paths for gone in self.left_out)

    def lacks(self, tables: Iterable[KeyPath]) -> bool:
        """Whether a key of one of `tables` was left out."""
        return any(gone[:-1] == table for table in tables for gone in self.left_out)


def validate(model: type[Model], data: Mapping[str, Any], substitutes: Mapping[str, Any]) -> Validated[Model]:
    """Validate `data`, repeatedly, until every invalid key is left out.

    `substitutes` has a valid value for each required key at the top of `model`, in case it is missing or invalid.
    """
    issues: list[Issue] = []
    left_out: dict[KeyPath, None] = {}
    remaining: Any = data
    while True:
        try:
            return Validated(model.model_validate(remaining), tuple(issues), tuple(left_out))
        except ValidationError as error:
            details = error.errors(include_url=False)
        found = [translate(model, item) for item in details]
        misspelt = set(_misspelt(model, remaining, found))
        left_out.update(dict.fromkeys(misspelt))
        issues = issues or [issue for issue in found if issue.rule != "missing" or issue.path not in misspelt]
        # Deepest first, and last list item first, so that no index changes before it is used.
        for path in sorted(dict.fromkeys(_table_around(issue) for issue in reversed(found)), key=len, reverse=True):
            left_out[path] = None
            if len(path) == 1 and (path[0] in substitutes or path[0] not in remaining):
                remaining = {**remaining, path[0]: substitutes[str(path[0])]}
            else:
                remaining = _without(remaining, path)


def _misspelt(model: type[BaseModel], data: Any, found: Iterable[Issue]) -> Iterator[KeyPath]:
    """The paths of the keys that unknown ones seem to stand for: what lacks these has been reported already."""
    for issue in found:
        if issue.rule == "extra_forbidden":
            table = issue.path[:-1]
            known = meant(str(issue.path[-1]), known_keys(model, table))
            if known is not None and known not in reduce(getitem, table, data):
                yield *table, known


def _table_around(issue: Issue) -> KeyPath:
    """The path to remove: the invalid key, or the table that lacks a required key unless it is the whole."""
    return issue.path[:-1] if issue.rule == "missing" and len(issue.path) > 1 else issue.path


def _without(data: Any, path: Sequence[str | int]) -> Any:
    """A copy of `data` without the value at `path`."""
    first, *rest = path
    if isinstance(data, list) and isinstance(first, int):
        return [*data[:first], *([_without(data[first], rest)] if rest else []), *data[first + 1 :]]
    copy = dict(data)
    if rest:
        copy[first] = _without(copy[first], rest)
    else:
        del copy[first]
    return copy
