"""Tables of a file, of which each key is taken once; what nobody takes has no counterpart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Reader:
    """One table. `take` and `table` remove what they return from it; `left` has the paths of the rest."""

    def __init__(self, table: Mapping[str, Any], path: tuple[str, ...] = ()) -> None:
        self._rest = dict(table)
        self._path = path
        self._below: list[Reader] = []

    def __contains__(self, key: str) -> bool:
        return key in self._rest

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._rest))

    def take(self, key: str, default: Any = None) -> Any:
        """The value of the key, or the default."""
        return self._rest.pop(key, default)

    def look(self, key: str) -> Any:
        """The value of the key, which stays; None without one."""
        return self._rest.get(key)

    def table(self, key: str) -> Reader:
        """The table of that name; an empty one without it. What is no table stays."""
        found = self._rest.get(key)
        if not isinstance(found, Mapping):
            return Reader({})
        del self._rest[key]
        reader = Reader(found, (*self._path, key))
        self._below.append(reader)
        return reader

    def tables(self, key: str) -> Iterator[tuple[str, Reader]]:
        """The tables below that key, by name."""
        below = self.table(key)
        for name in below:
            if isinstance(below.look(name), Mapping):
                yield name, below.table(name)

    def copy(self, *keys: str) -> dict[str, Any]:
        """Those keys that there are, taken as they are."""
        return {key: self.take(key) for key in keys if key in self}

    def left(self) -> Iterator[tuple[str, ...]]:
        """The paths of the values that were not taken."""
        for key, value in self._rest.items():
            yield from _leaves(value, (*self._path, key))
        for reader in self._below:
            yield from reader.left()


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    else:
        yield path
