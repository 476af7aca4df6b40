"""The settings module that a `manage.py` names, read from its source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

Branch = TypeVar("Branch")


def settings_module_of(manage: Path) -> str | None:
    """The first settings module in the file; None if it names none.

    What is for certain arguments, such as `if "test" in sys.argv`, is passed over: a function starts without any.
    """
    try:
        tree = ast.parse(manage.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    arguments = _of_arguments(tree)
    for node in _nodes(tree, arguments):
        match node:
            case ast.Call(args=[ast.Constant(value="DJANGO_SETTINGS_MODULE"), value]):
                named = _settled(value, arguments)
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value="DJANGO_SETTINGS_MODULE"))], value=value):
                named = _settled(value, arguments)
            case _:
                continue
        if isinstance(named, ast.Constant) and isinstance(named.value, str):
            return named.value
    return None


def _of_arguments(tree: ast.Module) -> set[str]:
    """The names that stand for the arguments, or for what a module concluded from them."""
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign) and "argv" in ast.unparse(node.value))
    targets = (target for node in assigned for target in node.targets)
    return {"argv", *(target.id for target in targets if isinstance(target, ast.Name))}


def _nodes(node: ast.AST, arguments: set[str]) -> Iterator[ast.AST]:
    """The nodes below `node` that run without arguments, in the order of the source."""
    children: Iterator[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and _asks(node.test, arguments):
        children = iter(_taken(node.test, node.body, node.orelse))
    for child in children:
        yield child
        yield from _nodes(child, arguments)


def _settled(value: ast.expr, arguments: set[str]) -> ast.expr:
    while isinstance(value, ast.IfExp):
        value = _taken(value.test, value.body, value.orelse) if _asks(value.test, arguments) else value.body
    return value


def _asks(test: ast.expr, arguments: set[str]) -> bool:
    names = (node.id if isinstance(node, ast.Name) else getattr(node, "attr", "") for node in ast.walk(test))
    return not arguments.isdisjoint(names)


def _taken(test: ast.expr, body: Branch, otherwise: Branch) -> Branch:
    """The branch of a condition on the arguments that is taken where there are none."""
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    differs = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotIn | ast.NotEq)
    return body if negated or differs else otherwise
