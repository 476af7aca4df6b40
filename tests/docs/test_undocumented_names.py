"""Every undocumented name of a library that `src` uses is in the table of the architecture page."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pocket

SOURCE = Path(pocket.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "architecture.md"
REGISTERS = (Path("fastapi/internals.py"), Path("local/launcher"))
"""Code with a register of its own, which is checked at import."""

DOCUMENTED = {"_asdict", "_current_frames", "_default_manager", "_exit", "_fields", "_getframe", "_meta", "_replace"}
"""Names with an underscore that the documentation of Python or Django has."""


def own_names(tree: ast.Module) -> Iterator[str]:
    """The names that a module defines, and the attributes that it sets on `self` and `cls`."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.Name(name, ast.Store()) | ast.Attribute(ast.Name("self" | "cls"), name, ast.Store()):
                yield name
            case ast.Assign(targets=[ast.Name("__slots__")], value=ast.Tuple(items)):
                yield from (
                    item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)
                )


def used_names(tree: ast.Module) -> Iterator[str]:
    """The attributes with one underscore that a module reads or sets, also by getattr, and those that it imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name):
                yield name
            case ast.Call(ast.Name("getattr" | "hasattr" | "setattr"), [_, ast.Constant(str(name)), *_]):
                yield name
            case ast.Call(ast.Attribute(attr="get" | "pop"), [ast.Constant(str(name)), *_]):
                yield name
            case ast.Subscript(slice=ast.Constant(str(name))):
                yield name


def test_every_undocumented_name_is_in_the_table() -> None:
    trees = {path: ast.parse(path.read_text()) for path in SOURCE.rglob("*.py")}
    inherited = {name for tree in trees.values() for name in own_names(tree)}
    section = PAGE.read_text().partition("## Undocumented names")[2].partition("## Glossary")[0]
    missing = {
        (str(path.relative_to(SOURCE)), name)
        for path, tree in trees.items()
        if not any(path.relative_to(SOURCE).is_relative_to(register) for register in REGISTERS)
        for name in used_names(tree)
        if name.startswith("_") and not name.startswith("__") and name.isidentifier() and name == name.lower()
        if name not in inherited | DOCUMENTED and f"{name}`" not in section
    }
    assert not missing


def test_every_module_of_the_table_has_its_names() -> None:
    rows = [
        line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| `") and line.count(" | ") == 3
    ]
    assert rows
    for place, names, *_ in rows:
        path = SOURCE / place.removeprefix("| ").strip("`")
        text = "".join(file.read_text() for file in ([path] if path.suffix else path.rglob("*.py")))
        for name in (part for part in names.split("`")[1::2] if part.rpartition(".")[2].startswith("_")):
            assert name.rpartition(".")[2] in text, f"{place} has no {name}"
