"""Syntax trees of the project's files."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pocket.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def parse(path: Path) -> ast.Module | None:
    """The file's syntax tree; None if it cannot be read as Python of this version."""
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def text(path: Path) -> str:
    """The text of a file of the project, with its own line ends. Raises ConfigError if it is not UTF-8."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"The file is not UTF-8: {error.reason} at byte {error.start}.", "Convert it to UTF-8.", file=path
        ) from None


def like(source: str, added: str) -> str:
    """The text `added` with the line ends of `source`."""
    return added.replace("\n", "\r\n") if "\r\n" in source else added


def statements(parent: ast.AST) -> Iterator[ast.stmt]:
    """The statements below `parent` that run when the module is imported, in source order."""
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from statements(node)


def dotted(parts: Sequence[str]) -> str:
    """The module of the file at `parts`, relative to the project: ("config", "api.py") is `config.api`."""
    *folders, file = parts
    name = file.removesuffix(".py")
    return ".".join(folders if name == "__init__" else [*folders, name])
