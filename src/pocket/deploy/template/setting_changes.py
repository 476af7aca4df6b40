"""Which settings a deploy changes, in words for the plan: the functions' variables, and what the manifest has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.build.contents import is_secret
from pocket.deploy.template.intrinsics import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_OF_POCKET = "POCKET_"
"""How variables begin that follow from the stage's resources, whose own rows are in the plan."""

_ELSEWHERE = frozenset({"bucket_name", "handlers", "secrets", "stack_name"})

_SHOWN = 80
"""The most characters of a value that are shown."""

_MISSING = object()


def variable_changes(before: Mapping[str, Any], after: Mapping[str, Any], handlers: Iterable[str]) -> Iterator[str]:
    """A sentence for each variable that differs between two templates of the stage's stack, once for equal changes."""
    found: dict[str, list[str]] = {}
    for handler in handlers:
        function = naming.logical_id(handler, "Function")
        had, gets = _variables(before, function), _variables(after, function)
        if had is not None and gets is not None:
            for change in _differences(had, gets):
                found.setdefault(change, []).append(handler)
    for change, changed in found.items():
        yield f"{change} ({', '.join(changed)})"


def manifest_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each value that differs between a stage's parts of two manifests; of secrets, the variable."""
    yield from _differences(dict(_flat(before)), dict(_flat(after)))
    had, gets = ({item["name"]: item for item in stage["secrets"]} for stage in (before, after))
    for name in sorted(had.keys() | gets.keys()):
        if name not in had:
            yield f"{name}: read from a secret"
        elif name not in gets:
            yield f"{name}: no longer read from a secret"
        elif had[name] != gets[name]:
            yield f"{name}: read from another place"


def _variables(body: Mapping[str, Any], function: str) -> dict[str, Any] | None:
    resource = (body.get("Resources") or {}).get(function)
    if resource is None:
        return None
    variables = resource["Properties"].get("Environment", {}).get("Variables", {})
    return {name: value for name, value in variables.items() if not name.startswith(_OF_POCKET)}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of the manifest under its dotted path, except secrets and what the plan's resources show."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            if path or key not in _ELSEWHERE:
                yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif value not in ({}, [], None):
        yield path, value


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        was, is_now = before.get(name, _MISSING), after.get(name, _MISSING)
        if was == is_now:
            continue
        if is_now is _MISSING:
            yield f"{name}: removed"
        elif was is _MISSING:
            yield f"{name}: {_text(name, is_now) or 'added'}"
        else:
            old, new = _text(name, was), _text(name, is_now)
            yield f"{name}: {old} -> {new}" if old and new else f"{name}: changed"


def _text(name: str, value: object) -> str:
    """The value as text; "" where it may be a secret."""
    if is_secret(name, value):
        return ""
    text = in_words(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
