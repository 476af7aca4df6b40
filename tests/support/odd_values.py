"""A value of every type at every place of a file, one at a time: what reads it may take no type for granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

Place = tuple[str | int, ...]

ODD: tuple[Any, ...] = ([], {}, True, "", datetime(2026, 1, 1), [[]], {"": [{}]}, 2**70)  # noqa: DTZ001 - as in TOML


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    """The path of everything below a table or a list."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(data: Any) -> Iterator[tuple[Place, Any, Any]]:
    """Each place, each odd value, and the data with that value there."""
    for path in places(data):
        for value in ODD:
            yield path, value, _put(data, path, value)


@contextmanager
def only(refusal: type[Exception], note: str) -> Iterator[None]:
    """Adds the note to any other error than a refusal, which may happen."""
    try:
        yield
    except refusal:
        pass
    except Exception as error:
        error.add_note(note)
        raise


def _put(data: Any, path: Place, value: Any) -> Any:
    if not path:
        return value
    copy = dict(data) if isinstance(data, Mapping) else list(data)
    copy[path[0]] = _put(data[path[0]], path[1:], value)
    return copy
