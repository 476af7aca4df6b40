"""The line of each key in a TOML document, which `tomllib` does not return.

The scanner reads a document that `tomllib` has already accepted, so it only looks for the ends of keys and values.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator

from pocket.config.overlay import KeyPath

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_SCALAR = re.compile(
    r'''"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'{3}.*?\'{3}(?:\'{0,2})|"(?:\\.|[^"\\])*"|'[^']*'|[^,\]}#\n]+''', re.DOTALL
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every key, table and list item of a valid TOML document.

    A table's line is that of its header or, without a header, that of the first key in it.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.scan()
    return scanner.lines


class _Scanner:
    """The position in `text`, the table that keys belong to, and the lines found so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.table: KeyPath = ()
        self.lines: dict[KeyPath, int] = {}
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._sizes: dict[KeyPath, int] = {}

    def scan(self) -> None:
        """Find the lines of the whole document."""
        self._skip(_BLANK)
        while self.position < len(self.text):
            if self.text[self.position] == "[":
                self._header()
            else:
                self._key_and_value(self.table)
            self._skip(_BLANK)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        found = match[0] if match else ""
        self.position += len(found)
        return found

    def _record(self, path: KeyPath, position: int, *, replace: bool = False) -> None:
        if replace or path not in self.lines:
            self.lines[path] = bisect_left(self._newlines, position) + 1

    def _keys(self) -> Iterator[tuple[str, int]]:
        """The parts of a dotted key and where each begins."""
        while True:
            self._skip(_SPACE)
            position = self.position
            raw = self._skip(_KEY)
            yield (next(iter(tomllib.loads(f"{raw} = 0"))) if raw[0] in "\"'" else raw), position
            self._skip(_SPACE)
            if self.text[self.position] != ".":
                return
            self.position += 1

    def _header(self) -> None:
        brackets = 2 if self.text.startswith("[[", self.position) else 1
        self.position += brackets
        path: KeyPath = ()
        *above, (name, position) = self._keys()
        for part, where in above:
            path = (*path, part)
            self._record(path, where)
            path = self._newest(path)
        path = (*path, name)
        if brackets == 2:
            self._record(path, position)
            self._sizes[path] = self._sizes.get(path, 0) + 1
            path = self._newest(path)
        self._record(path, position, replace=True)
        self.table = path
        self.position += brackets

    def _newest(self, path: KeyPath) -> KeyPath:
        """The last table of the array of tables at `path`; `path` itself if it is not such an array."""
        return (*path, self._sizes[path] - 1) if path in self._sizes else path

    def _key_and_value(self, table: KeyPath) -> None:
        path = table
        for part, position in self._keys():
            path = (*path, part)
            self._record(path, position)
        self.position += 1
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        opening = self.text[self.position]
        if opening == "[":
            self.position += 1
            self._items(path)
        elif opening == "{":
            self.position += 1
            self._members(path)
        else:
            self._skip(_SCALAR)

    def _items(self, path: KeyPath) -> None:
        index = 0
        while not self._closed("]"):
            self._record((*path, index), self.position)
            self._value((*path, index))
            index += 1

    def _members(self, path: KeyPath) -> None:
        while not self._closed("}"):
            self._key_and_value(path)

    def _closed(self, bracket: str) -> bool:
        """Skip to the next item, or past `bracket` if there is no other; return whether it was the bracket."""
        self._skip(_BLANK)
        if self.text[self.position] == ",":
            self.position += 1
            self._skip(_BLANK)
        if self.text[self.position] == bracket:
            self.position += 1
            return True
        return False
