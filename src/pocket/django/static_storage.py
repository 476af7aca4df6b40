"""The storage that collects static files for a release: Django's own, with what the project's storage does differently.

Files are collected into a folder, whatever the project's storage writes to. How names are hashed, and what is tolerated
meanwhile, is the project's to say: by overriding what `ManifestStaticFilesStorage` has.
"""

from __future__ import annotations

from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, cast

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, StaticFilesStorage
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_OF_A_PROJECT = ("django.", "storages.", "builtins")
_WHERE_ITS_MAP_IS = {"manifest_name", "manifest_storage"}
"""Of the attributes about hashing, those that are the build's to say."""


def collecting(*, entry: Mapping[str, Any], hashed: bool, location: str, base_url: str) -> StaticFilesStorage:
    """The storage that collects into the folder `location` for a project with that `entry` in its STORAGES.

    A storage that writes into folders is taken as it is. Of any other one, what the project's classes define about
    hashing is put on Django's own. Raises ImportError where there is no such class.
    """
    base = ManifestStaticFilesStorage if hashed else StaticFilesStorage
    chosen = import_string(entry.get("BACKEND", f"{base.__module__}.{base.__name__}"))
    if hashed and issubclass(chosen, base):
        options = {**entry.get("OPTIONS", {}), "location": location, "base_url": base_url}
        return cast("StaticFilesStorage", chosen(**options))
    return (_hashing_as(chosen) if hashed else base)(location=location, base_url=base_url)


def _hashing_as(chosen: type) -> type[StaticFilesStorage]:
    """Django's storage with hashed names, with what the project's classes among the bases of `chosen` define of it."""
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
    """`member` with `cell` as the class that its `super()` starts from."""
    if not isinstance(member, FunctionType) or "__class__" not in member.__code__.co_freevars:
        return member
    closure = zip(member.__code__.co_freevars, member.__closure__ or (), strict=True)
    cells = tuple(cell if name == "__class__" else each for name, each in closure)
    moved = FunctionType(member.__code__, member.__globals__, member.__name__, member.__defaults__, cells)
    moved.__kwdefaults__ = member.__kwdefaults__
    return moved
