"""What a module calls and reads while it is imported, by its source."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Names = dict[str, str]
"""What a module's own names stand for: `now` for `django.utils.timezone.now`."""


def executed(tree: ast.Module) -> Iterator[ast.expr]:
    """Every expression that importing the module evaluates: without bodies of functions and code for type checkers."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.expr):
            yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults = [*node.args.defaults, *(item for item in node.args.kw_defaults if item is not None)]
            pending += [*node.decorator_list, *defaults]
        elif isinstance(node, ast.Lambda):
            pending += [*node.args.defaults, *(item for item in node.args.kw_defaults if item is not None)]
        elif isinstance(node, ast.If) and ast.unparse(node.test) in _NEVER:
            pending += node.orelse
        else:
            pending += ast.iter_child_nodes(node)


_NEVER = {"TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'"}


def imported_names(tree: ast.Module) -> Names:
    """What the names stand for that the module's import statements bind, wherever these stand."""
    names: Names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def dotted(node: ast.expr, names: Names) -> str | None:
    """The dotted path of a name or a chain of attributes; None if the name is not imported."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value, names)
        return None if owner is None else f"{owner}.{node.attr}"
    return None
