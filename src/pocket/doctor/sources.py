"""Places in the source: an entry of INSTALLED_APPS, a class, a form's choices."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@cache
def tree(file: str) -> ast.Module | None:
    """The file's syntax tree; None if it cannot be read or parsed."""
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def find_text(files: Sequence[str], text: str) -> tuple[str, int]:
    """The first of `files` with the string `text`, and its line; the first file and 0 if no file has it."""
    for file in files:
        module = tree(file)
        for node in ast.walk(module) if module else ():
            if isinstance(node, ast.Constant) and node.value == text:
                return file, node.lineno
    return (files[0] if files else ""), 0


def line_of_class(file: str, name: str) -> int:
    """The line of the class `name`; 0 if the file has no such class."""
    module = tree(file)
    for node in ast.walk(module) if module else ():
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node.lineno
    return 0


def fills_choices(file: str, line: int) -> bool:
    """Whether `line` is in the `choices` argument of a call, such as a form field's."""
    module = tree(file)
    for node in ast.walk(module) if module else ():
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or node.lineno):
            for keyword in node.keywords:
                last = keyword.value.end_lineno or keyword.value.lineno
                if keyword.arg == "choices" and keyword.value.lineno <= line <= last:
                    return True
    return False
