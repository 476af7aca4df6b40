"""Tables as the text of a TOML file: https://toml.io/en/v1.0.0."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_INLINE_FROM = 4
"""The depth from which tables are inline: `[awscontainer.handlers.web]` has lines of its own, tables in it have not."""


def text(tables: Mapping[str, Any], *, below: tuple[str, ...] = ()) -> str:
    """The file's text. Names in `below` do not count as depth, such as those of stages."""
    return "\n".join(_table(tables, (), below)).strip("\n") + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...], below: tuple[str, ...]) -> Iterator[str]:
    depth = len(path) - (1 if path[:1] and path[0] in below else 0)
    own = {key: item for key, item in table.items() if isinstance(item, Mapping) and depth + 1 < _INLINE_FROM}
    lines = [f"{_key(key)} = {_value(item)}" for key, item in table.items() if key not in own]
    if path and (lines or not own):
        yield ""
        yield f"[{'.'.join(map(_key, path))}]"
    yield from lines
    for key, item in own.items():
        yield from _table(item, (*path, key), below)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _string(value: str) -> str:
    # JSON's escapes are TOML's, but TOML refuses a bare DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _string(value)
        case int() | float():
            return str(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case Mapping():
            items = ", ".join(f"{_key(str(key))} = {_value(item)}" for key, item in value.items())
            return f"{{ {items} }}" if items else "{}"
        case list():
            return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"TOML has no {type(value).__name__}.")
