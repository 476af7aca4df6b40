"""Scripts of the project that import a model before django.setup(), found in their source without running them.

A script has a main guard or a shebang, or sets DJANGO_SETTINGS_MODULE. Its imports are followed through the project's
own modules up to one that defines models.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.doctor import catalogue, sources
from pocket.doctor.catalogue import issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.doctor.report.model import Issue

_SKIPPED = frozenset({"tests", "migrations", "management", "node_modules", "site-packages", "__pycache__", "venv"})
_SET_UP = frozenset(
    {
        "setup",
        "get_wsgi_application",
        "get_asgi_application",
        "execute_from_command_line",
        "make_wsgi_handler",
        "make_asgi_handler",
        "create_app",
    }
)
"""Calls that set Django up: Django's own, and Pocket's."""

_NEED_MODELS = frozenset({"get_user_model", "get_model", "get_models"})
_MOST_FILES = 2000


def scan(directory: Path, models: frozenset[str], loaded: frozenset[str]) -> list[Issue]:
    """The issues of the scripts below `directory`.

    `models` are the names of the modules that define models, `loaded` those that the start imports, which are not
    scripts.
    """
    found = []
    for file in _files(directory):
        if ".".join(file.relative_to(directory).with_suffix("").parts) in loaded:
            continue
        module = sources.tree(str(file))
        if module is not None and _is_script(file, module):
            reached = _first_model(module, directory, models)
            if reached is not None:
                line, chain = reached
                message = f"{chain[-1]} is imported before Django is set up."
                details = [" → ".join([file.name, *chain])]
                found.append(issue(catalogue.NO_SETUP, message, details=details, file=str(file), line=line))
    return found


def _files(directory: Path) -> Iterator[Path]:
    """The Python files of the project, without tests, migrations, commands and virtual environments."""
    count = 0
    for folder, names, files in os.walk(directory):
        names[:] = sorted(
            name
            for name in names
            if name not in _SKIPPED
            and not name.startswith(".")
            and not Path(folder, name, "pyvenv.cfg").exists()
            and not Path(folder, name, "pocket.toml").exists()
        )
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("test") and name != "conftest.py":
                count += 1
                if count > _MOST_FILES:
                    return
                yield Path(folder, name)


def _is_script(file: Path, module: ast.Module) -> bool:
    with file.open("rb") as opened:
        if opened.read(2) == b"#!":
            return True
    for node in module.body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            return True
        if isinstance(node, ast.Expr | ast.Assign) and "'DJANGO_SETTINGS_MODULE'" in ast.unparse(node):
            return not isinstance(node, ast.Assign) or "environ" in ast.unparse(node)
    return False


def _first_model(module: ast.Module, directory: Path, models: frozenset[str]) -> tuple[int, list[str]] | None:
    """The line that imports a model too early, and the chain of modules; None if the set-up comes first.

    Functions run after the module's own lines, so their bodies count only in a script without any set-up.
    """
    straight = sorted(_statements(module), key=_line)
    set_up = min((_line(node) for node in straight if _calls(node, _SET_UP)), default=None)
    anywhere = set_up is not None or any(_calls(node, _SET_UP) for node in ast.walk(module))
    for node in straight if anywhere else sorted(ast.walk(module), key=_line):
        line = _line(node)
        if set_up is not None and line > set_up:
            break
        if _calls(node, _NEED_MODELS):
            return line, [ast.unparse(node)]
        for name in _imported(node, ""):
            chain = _chain(name, directory, models, set())
            if chain:
                return line, chain
    return None


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes that run with the module: without the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _statements(child)


def _calls(node: ast.AST, names: frozenset[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return called in names


def _imported(node: ast.AST, package: str) -> list[str]:
    """The modules that an import statement in `package` may load: both `a.b` and `a` for `from a import b`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    parts = [node.module] if node.module else []
    if node.level:
        above = package.split(".")
        parts = [*above[: len(above) - node.level + 1], *parts]
    name = ".".join(parts)
    return [*(f"{name}.{alias.name}" for alias in node.names), name]


def _chain(name: str, directory: Path, models: frozenset[str], seen: set[str]) -> list[str]:
    """The modules from `name` to one of `models`, both included; empty if there is no path around those `seen`."""
    if name in models:
        return [name]
    file = _file_of(name, directory)
    if file is None or name in seen:
        return []
    seen.add(name)
    module = sources.tree(str(file))
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in _statements(module) if module else ():
        for target in _imported(node, package):
            rest = _chain(target, directory, models, seen)
            if rest:
                return [name, *rest]
    return []


def _file_of(name: str, directory: Path) -> Path | None:
    path = directory.joinpath(*name.split("."))
    found = (item for item in (path.with_suffix(".py"), path / "__init__.py") if item.is_file())
    return next(found, None)
