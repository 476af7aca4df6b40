"""The storage that collects static files for a release: Django's, with the overrides of the project's storage.

Files are collected into a folder, whatever the project's storage writes to. A project decides how names are hashed, and
which errors are ignored, by overriding attributes of `ManifestStaticFilesStorage`.
"""

from __future__ import annotations

import json
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, cast

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, StaticFilesStorage
from django.utils.module_loading import import_string

from pocket.django.collected import keeping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.django.collected import Collected

_NOT_OF_A_PROJECT = ("django.", "storages.", "builtins")
_WHERE_ITS_MAP_IS = {"manifest_name", "manifest_storage"}
"""The attributes of `ManifestStaticFilesStorage` that the build sets."""


def collecting(
    *, entry: Mapping[str, Any], hashed: bool, collected: Collected, location: str, base_url: str
) -> StaticFilesStorage:
    """The storage that collects into the folder `location` for a project with this `entry` in its STORAGES.

    A subclass of Django's storage is used as it is. Of any other storage, the attributes about hashing that the
    project's classes define are added to Django's. Raises ImportError for a missing class.

    Only where the class is Django's, copies of unchanged files are used again: what another one makes of a file may
    depend on more than the file.
    """
    base = ManifestStaticFilesStorage if hashed else StaticFilesStorage
    chosen = import_string(entry.get("BACKEND", f"{base.__module__}.{base.__name__}"))
    options = {"location": location, "base_url": base_url}
    if not hashed:
        chosen = base
    elif issubclass(chosen, base):
        options = {**entry.get("OPTIONS", {}), **options}
    else:
        chosen = _hashing_as(chosen)
    if chosen is not base:
        collected.keeps = False
        collected.clear()
        return cast("StaticFilesStorage", _without_source_maps(chosen)(**options))
    collected.clear_changed(base.__name__, json.dumps(options, sort_keys=True, default=str))
    kept = keeping(base, collected)
    return cast("StaticFilesStorage", (_without_source_maps(kept) if hashed else kept)(**options))


def _without_source_maps(cls: Any) -> Any:
    """A subclass that accepts a reference to a missing source map, which many packages' files have.

    Only a browser's developer tools read source maps. Any other missing file is an error, as in Django.
    """

    def hashed_name(self: Any, name: str, content: Any = None, filename: str | None = None) -> str:
        try:
            return str(cls.hashed_name(self, name, content, filename))
        except ValueError:
            # Django's pattern for style sheets takes the space before the comment's end, too.
            if content is None and name.strip().endswith(".map"):
                return name.strip()
            raise

    return type(cls.__name__, (cls,), {"hashed_name": hashed_name, "__module__": cls.__module__})


def _hashing_as(chosen: type) -> type[StaticFilesStorage]:
    """Django's storage with hashed names, with the attributes that the project's classes among the bases define."""
    own = [each for each in chosen.__mro__ if not f"{each.__module__}.".startswith(_NOT_OF_A_PROJECT)]
    stock = next(each for each in chosen.__mro__ if each not in own)
    hashing = {*dir(ManifestStaticFilesStorage)} - {*dir(StaticFilesStorage)} - _WHERE_ITS_MAP_IS
    elsewhere = {*dir(stock), *dir(StaticFilesStorage)} - hashing
    base: type[StaticFilesStorage] = ManifestStaticFilesStorage
    for each in reversed(own):
        base = _moved(each, base, elsewhere)
    return base


def _moved(cls: type, base: type[StaticFilesStorage], elsewhere: set[str]) -> type[StaticFilesStorage]:
    """A subclass of `base` with the attributes of `cls` whose names are not in `elsewhere`."""
    cell = CellType()
    members = {
        name: _bound_to(member, cell)
        for name, member in vars(cls).items()
        if name not in elsewhere and name not in ("__dict__", "__weakref__")
    }
    cell.cell_contents = moved = type(cls.__name__, (base,), {**members, "__module__": cls.__module__})
    return moved


def _bound_to(member: Any, cell: CellType) -> Any:
    """`member` with `cell` as the class of its `super()`."""
    if not isinstance(member, FunctionType) or "__class__" not in member.__code__.co_freevars:
        return member
    closure = zip(member.__code__.co_freevars, member.__closure__ or (), strict=True)
    cells = tuple(cell if name == "__class__" else each for name, each in closure)
    moved = FunctionType(member.__code__, member.__globals__, member.__name__, member.__defaults__, cells)
    moved.__kwdefaults__ = member.__kwdefaults__
    return moved
