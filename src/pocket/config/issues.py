"""Issues in the file: pydantic's errors, translated into sentences, and how values are shown in them.

An issue names the key, what was expected and what was found. It never shows a value that might be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pocket.config.overlay import KeyPath
from pocket.config.patterns import MEANINGS
from pocket.config.suggestions import suggest

_HIDDEN_TABLES = {"envs", "input", "options", "settings", "secrets", "placeholders"}
_TABLE_EXPECTED = {"dict_type", "model_type"}
_HIDDEN_KEYS = {"location", "manage"}
_HIDDEN = "another string"
_OF_STRINGS = ("string_", "literal_", "refused")
"""How pydantic's types of errors begin where a string was expected, but another one."""
_OF_NAMES = {"string_pattern_mismatch", "string_too_short"}
"""The types of errors about the name of a key."""


@dataclass(frozen=True)
class Issue:
    """An issue at `path` of a stage's merged tables; `rule` distinguishes issues at the same key.

    `needs` are the paths of the other values that the rule reads: an issue is dropped if one of these is invalid. It is
    dropped, too, if a key of a table of `lacks` is: what the rule has not found there may be that.
    """

    path: KeyPath
    rule: str
    message: str
    hint: str = ""
    needs: tuple[KeyPath, ...] = ()
    lacks: tuple[KeyPath, ...] = ()


def _quoted(expected: str) -> str:
    """pydantic's list of literals with TOML's quotation marks."""
    return expected.replace("'", '"')


EXPECTED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "bool_type": lambda _: "true or false",
    "dict_type": lambda _: "a table",
    "greater_than_equal": lambda context: f"a whole number of at least {context['ge']}",
    "int_parsing_size": lambda _: "a smaller number",
    "int_type": lambda _: "a whole number",
    "less_than_equal": lambda context: f"a whole number of at most {context['le']}",
    "list_type": lambda _: "a list",
    "literal_error": lambda context: _quoted(context["expected"]),
    "model_type": lambda _: "a table",
    "refused": lambda context: str(context["expected"]),
    "string_pattern_mismatch": lambda context: MEANINGS[context["pattern"]],
    "string_too_long": lambda context: f"a string of at most {context['max_length']} characters",
    "string_too_short": lambda context: f"a string of at least {context['min_length']} character",
    "string_type": lambda _: "a string",
    "too_long": lambda context: f"a list of at most {context['max_length']} items",
    "too_short": lambda context: f"a list of at least {context['min_length']} item",
}
"""What a value of each of pydantic's error types should have been, to follow "Expected".

The tables can also raise `missing` and `extra_forbidden`.
"""


def translate(model: type[BaseModel], error: ErrorDetails) -> Issue:
    """The issue for a validation error of `model`; its path starts at `model`."""
    kind, path = error["type"], error["loc"]
    context = error.get("ctx", {})
    if kind in _OF_NAMES and path[-1] == "[key]" and error["input"] == path[-2]:
        # The name of a key is refused: pydantic appends "[key]" to the path.
        path = path[:-1]
        return Issue(path, "name", f"Expected {EXPECTED[kind](context)}, found {describe(path[-1])}.")
    if kind == "missing":
        return Issue(path, kind, "This key is required.", _description(model, path))
    if kind == "extra_forbidden":
        return Issue(path, kind, "Unknown key.", suggest(str(path[-1]), known_keys(model, path[:-1])))
    found = describe(error["input"], hidden=kind in _TABLE_EXPECTED or is_hidden(path))
    if found == _HIDDEN and not kind.startswith(_OF_STRINGS):
        found = "a string"
    return Issue(path, kind, f"Expected {EXPECTED[kind](context)}, found {found}.", _hint(error))


def _hint(error: ErrorDetails) -> str:
    context, value = error.get("ctx", {}), error["input"]
    if error["type"] == "literal_error" and isinstance(value, str):
        hint = suggest(value, re.findall("'([^']*)'", context["expected"]))
        return hint if hint.startswith("Did") else ""
    if error["type"] == "string_type" and isinstance(value, bool | int | float):
        return "Quote the value."
    return str(context.get("hint", ""))


def known_keys(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that the table at `path` of `model` may have; empty if it may have any key."""
    table = _type_at(model, path)
    return list(_fields(table)) if isinstance(table, type) and issubclass(table, BaseModel) else []


def _fields(table: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a table by their keys in the file."""
    return {field.alias or name: field for name, field in table.model_fields.items()}


def _description(model: type[BaseModel], path: Sequence[str | int]) -> str:
    """The description of the key at `path`, which a table of `model` declares."""
    return str(_fields(_type_at(model, path[:-1]))[str(path[-1])].description)


def _type_at(annotation: Any, path: Sequence[str | int]) -> Any:
    """The annotation of the value at `path` inside a value of `annotation`, without None."""
    arguments = [item for item in get_args(annotation) if item is not NoneType]
    if len(arguments) < len(get_args(annotation)):
        return _type_at(arguments[0], path)
    if not path:
        return annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = _fields(annotation).get(str(path[0]))
        return _type_at(field.annotation, path[1:]) if field else None
    return _type_at(arguments[-1], path[1:]) if arguments else None


def is_hidden(path: Sequence[str | int]) -> bool:
    """Whether the value at `path` might be or contain a secret."""
    return not _HIDDEN_TABLES.isdisjoint(path) or bool(path and path[-1] in _HIDDEN_KEYS)


def describe(value: object, *, hidden: bool = False) -> str:
    """A value for a message: its TOML notation, at most 80 characters of it, or its type if it is hidden or a table."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true or false" if hidden else json.dumps(value)
    if isinstance(value, str):
        return _HIDDEN if hidden else json.dumps(value if len(value) <= 80 else f"{value[:79]}…", ensure_ascii=False)
    if isinstance(value, int | float):
        return "a number" if hidden else str(value)
    return "a date or a time" if hidden else str(value)


def dotted(path: Sequence[str | int]) -> str:
    """A path as one writes it in the file: `awscontainer.handlers.web.schedule[0].expression`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part))
    return text
