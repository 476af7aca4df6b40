"""What a module defines, read from its syntax tree without running it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def defines(tree: ast.Module, name: str) -> bool:
    """Whether `from module import name` may work.

    A star import may bind any name; a module's `__getattr__` gives the names in `__all__`, or any name without one.
    """
    bound = set(_bound(tree))
    if name in bound or "*" in bound:
        return True
    listed = _listed(tree)
    return "__getattr__" in bound and (listed is None or name in listed)


def _listed(tree: ast.Module) -> set[str] | None:
    """The names in the module's `__all__`; None without one, or with one that is not a literal list of strings."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name("__all__")], value=ast.List(items) | ast.Tuple(items)):
                return {item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)}
    return None


def _bound(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Import() | ast.ImportFrom():
                yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                continue
            case _:
                yield from _bound(node)
