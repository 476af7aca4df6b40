"""Code that writes to a storage by its alias, if that storage is on the read-only disk.

`disk.field` checks the storages of fields.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Error

from pocket.django.checks import deployment, source_tree
from pocket.django.checks.disk import is_read_only
from pocket.django.checks.import_time import dotted, imported_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.apps import AppConfig
    from django.core.checks import CheckMessage

    from pocket.django.checks.import_time import Names

_MODULE = "django.core.files.storage"
_WRITES = {"save", "delete"}


def written(app_configs: Iterable[AppConfig] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """Each line of the project, or of the apps given, that writes to a storage on a read-only disk."""
    places = _read_only() if deployment.current() else {}
    only = None if app_configs is None else tuple(Path(config.path).resolve() for config in app_configs)
    for path in source_tree.files() if places else ():
        if _is_test(path) or "storage" not in source_tree.text(path):
            continue
        if only is not None and not any(path.is_relative_to(folder) for folder in only):
            continue
        for alias, node in _writes(source_tree.tree(path)):
            if alias in places:
                yield Error(
                    f"The storage {alias!r} is in {places[alias]}, where a function cannot write:"
                    f" {ast.unparse(node.func)}() fails.",
                    hint='Declare the storage with store = "s3" in [awscontainer.django.storages] and set'
                    " STORAGES = get_storages().",
                    obj=source_tree.Place(path, node.lineno),
                    id="pocket.E014",
                )


def _read_only() -> dict[str, str]:
    """The storages that cannot be written, by alias, each with its folder; static files are collected elsewhere."""
    from django.core.files.storage import FileSystemStorage, storages

    found = {}
    for alias in settings.STORAGES:
        try:
            storage: Any = storages[alias] if alias != "staticfiles" else None
        except Exception:  # noqa: BLE001, S112  (a storage that cannot be made is reported where it is used)
            continue
        if isinstance(storage, FileSystemStorage) and is_read_only(storage.location):
            found[alias] = source_tree.shown(storage.location)
    return found


def _is_test(path: Path) -> bool:
    inside = path.relative_to(source_tree.directory())
    return "tests" in inside.parts or inside.name.startswith("test") or inside.name == "conftest.py"


def _writes(tree: ast.Module | None) -> Iterator[tuple[str, ast.Call]]:
    """Each call that writes to a storage, with the storage's alias, in the order of the lines."""
    if tree is None:
        return
    names, nodes = imported_names(tree), [*ast.walk(tree)]
    variables = _variables(nodes, names)
    calls = (node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    for call in sorted(calls, key=lambda node: node.lineno):
        function: Any = call.func
        alias = _alias(function.value, names, variables)
        if alias is not None and (function.attr in _WRITES or (function.attr == "open" and _for_writing(call))):
            yield alias, call


def _variables(nodes: list[ast.AST], names: Names) -> dict[str, str]:
    """The variables that are one storage wherever the module sets them, with its alias."""
    found: dict[str, set[str | None]] = {}
    storages: dict[int, str | None] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            storages.update({id(target): _alias(node.value, names, {}) for target in node.targets})
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.setdefault(node.id, set()).add(storages.get(id(node)))
        elif isinstance(node, ast.arg):
            found.setdefault(node.arg, set()).add(None)
    single = {name: [*aliases] for name, aliases in found.items() if len(aliases) == 1}
    return {name: alias for name, (alias,) in single.items() if alias is not None}


def _alias(node: ast.expr, names: Names, variables: dict[str, str]) -> str | None:
    """The alias of the storage that an expression is: `default_storage`, `storages["exports"]`, or one's variable."""
    if isinstance(node, ast.Subscript) and dotted(node.value, names) == f"{_MODULE}.storages":
        return node.slice.value if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str) else None
    if isinstance(node, ast.Name) and node.id in variables:
        return variables[node.id]
    return "default" if dotted(node, names) == f"{_MODULE}.default_storage" else None


def _for_writing(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and set("wax+") & set(str(mode.value)) for mode in modes)
