"""The module bundle: the bytecode of the modules that a start imports, in one file at the artifact's root.

A start imports some six hundred modules. For each, Python searches folders, then stats, opens and reads a file. From
the bundle it is one read at a known offset. The modules stay the same: same code, same `__file__`, source and data
beside them. Python finds modules that the bundle does not hold as usual.

The file: the bytecode's magic number; the length of the index in four bytes; the index (marshal: by module name whether
it is a package, its source below the root, offset and length); the code, as in a .pyc without its header.
"""

from __future__ import annotations

import _imp
import marshal
import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import CodeType

# importlib's own function for the same purpose; in a Python without it, this import and so the start fails.
_fix_co_filename = _imp._fix_co_filename  # type: ignore[attr-defined]

MARSHAL_VERSION = 2
"""Of the index: every Python reads this version. The code has the format of the interpreter that compiled it."""

PYC_HEADER = 16
MAGIC_LENGTH = 4


def encode(modules: Mapping[str, bytes]) -> bytes:
    """The bundle of `modules`, which maps a source's path below the root (`board/views.py`) to its .pyc's content.

    Equal modules give equal bytes. Raises ValueError for an empty mapping and for bytecode of different Pythons.
    """
    magics = {pyc[:MAGIC_LENGTH] for pyc in modules.values()}
    if len(magics) != 1:
        raise ValueError(f"Expected bytecode of one Python version; got {len(magics)} versions.")
    index: dict[str, tuple[bool, str, int, int]] = {}
    place = 0
    for source in sorted(modules):
        parts = source.removesuffix(".py").split("/")
        package = parts[-1] == "__init__"
        length = len(modules[source]) - PYC_HEADER
        index[".".join(parts[:-1] if package else parts)] = package, source, place, length
        place += length
    head = marshal.dumps(index, MARSHAL_VERSION)
    code = (modules[source][PYC_HEADER:] for source in sorted(modules))
    return b"".join((magics.pop(), len(head).to_bytes(4, "big"), head, *code))


def install(path: str, root: str) -> bool:
    """Makes Python import modules below `root` from the bundle at `path`; returns False for one that it cannot read.

    The bundle's finder is the first one, just as the artifact's root is the first folder of `sys.path` in Lambda.
    """
    from importlib.util import MAGIC_NUMBER

    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    head = os.pread(file, 8, 0)
    if head[:MAGIC_LENGTH] != MAGIC_NUMBER:
        os.close(file)
        return False
    length = int.from_bytes(head[MAGIC_LENGTH:], "big")
    index = marshal.loads(os.pread(file, length, 8))  # noqa: S302 - the artifact's own
    sys.meta_path.insert(0, _Finder(file, 8 + length, index, root))
    return True


class _Finder:
    """Finds the modules of one bundle; the file stays open until the process ends."""

    def __init__(self, file: int, start: int, index: dict[str, tuple[bool, str, int, int]], root: str) -> None:
        self.file = file
        self.start = start
        self.index = index
        self.root = root

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: Any = None) -> ModuleSpec | None:
        """The module's spec, equal to that of Python's path finder; None for a module that is not in the bundle."""
        found = self.index.get(name)
        if found is None:
            return None
        package, source, place, length = found
        origin = f"{self.root}/{source}"
        loader = _Loader(name, origin, self.file, self.start + place, length)
        spec = ModuleSpec(name, loader, origin=origin, is_package=package)
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [origin.removesuffix("/__init__.py")]
        return spec


class _Loader(SourceFileLoader):
    """Python's loader of source files, which takes the bytecode from the bundle."""

    def __init__(self, name: str, origin: str, file: int, place: int, length: int) -> None:
        super().__init__(name, origin)
        self._bytes = file, length, place

    def get_code(self, _name: str) -> CodeType:
        """The module's code, with its source's present path as `co_filename`."""
        code: CodeType = marshal.loads(os.pread(*self._bytes))  # noqa: S302 - as safe as the .pyc beside the source
        if code.co_filename != self.path:
            _fix_co_filename(code, self.path)
        return code
