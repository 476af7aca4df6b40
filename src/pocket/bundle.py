"""The module bundle: the bytecode of the modules that a start imports, in one file at the artifact's root.

A start imports some six hundred modules, and for each Python looks through folders, opens a file, asks the system
about it and reads it. From the bundle it is one read at a known place. The modules stay what they are: the same code,
the same `__file__`, their source and data beside them; what the bundle does not hold, Python finds as ever.

The file: the bytecode's magic number, the length of the index in four bytes, the index (marshal: by module name whether
it is a package, its source below the root, place and length), then the code, as in a .pyc without its header.
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

MARSHAL_VERSION = 2
"""Of the index: one that every Python reads alike. The code is in the form of the interpreter that compiled it."""

PYC_HEADER = 16
MAGIC_LENGTH = 4


def encode(modules: Mapping[str, bytes]) -> bytes:
    """The bundle of `modules`: the content of a .pyc by the path of its source below the root, `board/views.py`.

    Equal modules give equal bytes. Raises ValueError where two were compiled by different Pythons, or there is none.
    """
    magics = {pyc[:MAGIC_LENGTH] for pyc in modules.values()}
    if len(magics) != 1:
        raise ValueError(f"A bundle is of one Python's bytecode, and this is of {len(magics)}.")
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
    """Lets Python import from the bundle at `path` what lies below `root`; whether there is one that it can read.

    It comes before every other finder: the root of the artifact is the first folder of the path in Lambda, too.
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
    """Finds the modules of one bundle; the file stays open as long as the process lives."""

    def __init__(self, file: int, start: int, index: dict[str, tuple[bool, str, int, int]], root: str) -> None:
        self.file = file
        self.start = start
        self.index = index
        self.root = root

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: Any = None) -> ModuleSpec | None:
        """The module's spec, as Python's own finder of files makes it; None for a module that is not in the bundle."""
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
    """Python's own loader of source files, but for where the bytecode comes from."""

    def __init__(self, name: str, origin: str, file: int, place: int, length: int) -> None:
        super().__init__(name, origin)
        self._bytes = file, length, place

    def get_code(self, _name: str) -> CodeType:
        """The module's code, naming its source by the path where that lies now."""
        code: CodeType = marshal.loads(os.pread(*self._bytes))  # noqa: S302 - as safe as the .pyc beside the source
        if code.co_filename != self.path:
            _imp._fix_co_filename(code, self.path)  # type: ignore[attr-defined]
        return code
