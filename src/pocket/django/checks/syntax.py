"""The source of one function: its text, the nodes that it runs, and the expressions that it returns."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def source_of(function: Any) -> str:
    """The text of a function, empty where it cannot be had."""
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return ""


def tree_of(source: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function whose text it is; None where the text is no function's."""
    try:
        first = ast.parse(source).body[0] if source else None
    except SyntaxError:
        return None
    return first if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef) else None


def own_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that the function itself runs, in order: not those of functions in it, which may run elsewhere."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from own_nodes(node)


def returned(tree: ast.AST) -> Iterator[ast.expr]:
    """The expressions whose values the function returns: the items of containers, and what a name is bound to once."""
    nodes = list(own_nodes(tree))
    bound = _bound_once(nodes)
    for node in nodes:
        if isinstance(node, ast.Return) and node.value is not None:
            yield from _parts(node.value, bound)


def _bound_once(nodes: Iterable[ast.AST]) -> dict[str, ast.expr]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, []).append(value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _parts(node: ast.expr | None, bound: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    match node:
        case ast.Await(value=value):
            yield from _parts(value, bound)
        case ast.Name(id=name) if name in bound:
            yield from _parts(bound[name], {key: value for key, value in bound.items() if key != name})
        case ast.Call(func=ast.Name(id="list" | "sorted" | "tuple"), args=[value, *_]):
            yield from _parts(value, bound)
        case ast.ListComp() | ast.GeneratorExp() if ast.dump(node.elt) == _read(node.generators[0].target):
            yield from _parts(node.generators[0].iter, bound)
        case ast.Dict(values=values) | ast.List(elts=values) | ast.Tuple(elts=values):
            for value in values:
                yield from _parts(value, bound)
        case ast.expr():
            yield node


def _read(target: ast.expr) -> str:
    """The dump of the expression that reads what a loop binds to the name `target`."""
    return ast.dump(ast.Name(target.id, ast.Load())) if isinstance(target, ast.Name) else ""
