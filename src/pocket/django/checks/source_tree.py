"""The project's own source: its folder, its files, its modules' syntax trees, and places in them."""

from __future__ import annotations

import ast
import os
import sys
from functools import lru_cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.naming import MANIFEST_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from django.apps import AppConfig

_MARKS = ("pocket.toml", "manage.py", MANIFEST_FILE)
_OUR_OWN = {"django", "pocket"}
_NOT_OURS = {"site-packages", "dist-packages", "node_modules", "__pycache__"}


class Place(str):
    """A line of a file, as `path:line`: what a message about source is about."""

    __slots__ = ("file", "line")

    file: Path
    line: int

    def __new__(cls, file: Path, line: int) -> Place:
        place = super().__new__(cls, f"{shown(file)}:{line}")
        place.file = file
        place.line = line
        return place


def directory() -> Path:
    """The project's folder: in a function the artifact's, elsewhere the one around the settings with the file in it."""
    root = os.environ.get("LAMBDA_TASK_ROOT")
    if root:
        return Path(root).resolve()
    file = settings_file()
    if file is None:
        return Path.cwd()
    for folder in file.parents:
        if any((folder / mark).is_file() for mark in _MARKS):
            return folder
    return file.parent


def settings_file() -> Path | None:
    """The file of the settings module; None where settings were made without one."""
    module = sys.modules.get(os.environ.get("DJANGO_SETTINGS_MODULE", ""))
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def shown(path: str | os.PathLike[str]) -> str:
    """`path` as a message shows it: from the project's folder where it lies there, else as it is."""
    whole = Path(path)
    try:
        return whole.resolve().relative_to(directory()).as_posix() if whole.is_absolute() else whole.as_posix()
    except ValueError:
        return str(whole)


def files() -> Iterator[Path]:
    """Every Python file below the project's folder, in order; not those of virtual environments and packages."""
    root, installed = directory(), _installed()
    for folder, names, found in os.walk(root):
        if Path(folder) == root:
            names[:] = [name for name in names if name not in installed]
            found = [name for name in found if name.removesuffix(".py") not in installed]  # noqa: PLW2901
        names[:] = sorted(name for name in names if not _is_foreign(Path(folder, name)))
        yield from (Path(folder, name) for name in sorted(found) if name.endswith(".py"))


def packages() -> Iterator[Path]:
    """The Python files of installed packages but Django and Pocket, which in an artifact lie beside the project's."""
    places = [Path(entry) for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages"}]
    beside = [directory() / name for name in _installed() - _OUR_OWN]
    tops = [*beside, *(path for place in places if place.is_dir() for path in place.iterdir())]
    for top in tops:
        if top.stem not in _OUR_OWN:
            module = top.with_suffix(".py")
            yield from top.rglob("*.py") if top.is_dir() else [module] if module.is_file() else ()


def _installed() -> frozenset[str]:
    """The top-level names of what is installed into the artifact, beside the project's own; elsewhere none."""
    return frozenset({*packages_distributions(), "pocket"}) if "LAMBDA_TASK_ROOT" in os.environ else frozenset()


def mentions(pattern: Any) -> bool:
    """Whether a Python file of the project holds what the compiled `pattern` finds."""
    return any(pattern.search(text(path)) for path in files())


def text(path: Path) -> str:
    """The file's text; "" where it cannot be read."""
    try:
        facts = path.stat()
        return _read(path, facts.st_mtime_ns, facts.st_size)
    except OSError:
        return ""


@lru_cache(maxsize=4096)
def _read(path: Path, _changed: int, _size: int) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def tree(path: Path) -> ast.Module | None:
    """The file's syntax tree; None where it has none."""
    try:
        return ast.parse(text(path))
    except (SyntaxError, ValueError):
        return None


def modules(app_configs: Iterable[AppConfig] | None = None) -> list[tuple[ModuleType, Path]]:
    """The project's modules that are imported by now, with their files; of the given apps alone if any are given.

    The URL configuration is imported first, since with it comes what a start imports.
    """
    _import_urls()
    root = directory()
    only = None if app_configs is None else tuple(Path(config.path).resolve() for config in app_configs)
    foreign = _OUR_OWN | _installed()
    found = {}
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or not file.endswith(".py") or name.partition(".")[0] in foreign:
            continue
        path = Path(file).resolve()
        wanted = only is None or any(path.is_relative_to(folder) for folder in only)
        if wanted and path.is_relative_to(root) and not _in_foreign_folder(path, root):
            found[path] = module
    return [(module, path) for path, module in found.items()]


def _import_urls() -> None:
    from django.conf import settings
    from django.urls import get_resolver

    if getattr(settings, "ROOT_URLCONF", None):
        try:
            get_resolver().url_patterns  # noqa: B018  (importing them is what is wanted)
        except Exception:  # noqa: BLE001  (Django's own check of the URLs reports it)
            return


def _is_foreign(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _NOT_OURS or (folder / "pyvenv.cfg").exists()


def _in_foreign_folder(path: Path, root: Path) -> bool:
    inside = path.relative_to(root)
    return any(_is_foreign(root / folder) for folder in inside.parents if folder != Path())
