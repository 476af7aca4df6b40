"""Where that lies which a message is about: a line of the source for a model, a view, an endpoint, or a setting."""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
from importlib.util import resolve_name
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.django.checks import source_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTING = re.compile(r"([A-Z][A-Z0-9_]*)(?:\[|$)")


def place_of(obj: Any) -> tuple[str | None, int | None]:
    """File, from the project's folder, and line of `obj`; None and None for what the project's source does not hold.

    A string may be the name of a setting, with or without a key in brackets, or a dotted path.
    """
    from django.db.models import Field, Manager

    if isinstance(obj, source_tree.Place):
        found: tuple[Path, int] | None = (obj.file, obj.line)
    elif isinstance(obj, str):
        name = _SETTING.match(obj)
        found = _of_setting(name[1]) if name else _of_source(_imported(obj))
    else:
        found = _of_source(getattr(obj, "model", None) if isinstance(obj, Field | Manager) else obj)
    if found is None:
        return None, None
    inside = Path(source_tree.shown(found[0]))
    return (None, None) if inside.is_absolute() else (inside.as_posix(), found[1])


def _of_source(owner: Any) -> tuple[Path, int] | None:
    try:
        written = inspect.unwrap(owner)
        return Path(inspect.getsourcefile(written) or ""), inspect.getsourcelines(written)[1]
    except (OSError, TypeError, ValueError):
        return None


def _imported(path: str) -> Any:
    """What a dotted path leads to by way of modules that are imported by now; None where it leads nowhere."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:length]))
        if found is not None:
            for name in parts[length:]:
                found = getattr(found, name, None)
            return found
    return None


def _of_setting(name: str) -> tuple[Path, int] | None:
    """The last line of the settings module, or of one that it takes all names from, that sets `name`."""
    pending, seen = [os.environ.get("DJANGO_SETTINGS_MODULE", "")], set()
    while pending:
        module = sys.modules.get(pending.pop(0))
        file = getattr(module, "__file__", None)
        if module is None or not file or module in seen:
            continue
        seen.add(module)
        tree = source_tree.tree(Path(file).resolve())
        lines = [*_lines(tree, name)] if tree else []
        if lines:
            return Path(file).resolve(), max(lines)
        pending += _taken_whole(tree, module.__package__) if tree else []
    return None


def _lines(tree: ast.Module, name: str) -> Iterator[int]:
    """The lines that assign to `name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                yield node.lineno


def _taken_whole(tree: ast.Module, package: str | None) -> list[str]:
    """The modules that are imported with a star, the last first, since it wins."""
    stars = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    )
    return [resolve_name("." * node.level + (node.module or ""), package) for node in stars][::-1]
