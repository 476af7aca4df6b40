"""The settings module in a `manage.py`, read from its source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

Branch = TypeVar("Branch")


def settings_module_of(manage: Path) -> str | None:
    """The first settings module in the file; None if there is none.

    Branches for certain arguments, such as `if "test" in sys.argv`, are skipped: a function starts without arguments.
    """
    try:
        tree = ast.parse(manage.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    arguments = _names_of(tree)
    for node in _nodes(tree, arguments):
        match node:
            case ast.Call(args=[ast.Constant(value="DJANGO_SETTINGS_MODULE"), value]):
                named = _chosen(value, arguments)
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value="DJANGO_SETTINGS_MODULE"))], value=value):
                named = _chosen(value, arguments)
            case _:
                continue
        if isinstance(named, ast.Constant) and isinstance(named.value, str):
            return named.value
    return None


def _names_of(tree: ast.Module) -> set[str]:
    """The names of the arguments, and of variables that are computed from them."""
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign) and "argv" in ast.unparse(node.value))
    targets = (target for node in assigned for target in node.targets)
    return {"argv", *(target.id for target in targets if isinstance(target, ast.Name))}


def _nodes(node: ast.AST, arguments: set[str]) -> Iterator[ast.AST]:
    """The nodes below `node` that run without arguments, in source order."""
    children: Iterator[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and _depends_on(node.test, arguments):
        children = iter(_branch_without(node.test, node.body, node.orelse))
    for child in children:
        yield child
        yield from _nodes(child, arguments)


def _chosen(value: ast.expr, arguments: set[str]) -> ast.expr:
    while isinstance(value, ast.IfExp):
        value = (
            _branch_without(value.test, value.body, value.orelse) if _depends_on(value.test, arguments) else value.body
        )
    return value


def _depends_on(test: ast.expr, arguments: set[str]) -> bool:
    names = (node.id if isinstance(node, ast.Name) else getattr(node, "attr", "") for node in ast.walk(test))
    return not arguments.isdisjoint(names)


def _branch_without(test: ast.expr, body: Branch, otherwise: Branch) -> Branch:
    """The branch of a condition on the arguments that runs without any."""
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    differs = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotIn | ast.NotEq)
    return body if negated or differs else otherwise
