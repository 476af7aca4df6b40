"""Lines of keys, with `tomllib` as the oracle for the content and the writer for the lines."""

import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.config.lines import key_lines

Draw = Callable[[st.SearchStrategy[Any]], Any]
Path = tuple[str | int, ...]

NAMES = st.one_of(
    st.text("ab-_1", min_size=1, max_size=3),
    st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=4),
    st.sampled_from(["", ".", "#", "a.b", "'", '"', "]", "=", "\n", "\\"]),
)
TRICKY = st.sampled_from(['"""', "'''", "#", "]", "}", "[", "{", ",", "=", "\n", "\\", '"', "'", "[t]\nk = 1", "é"])
TEXTS = st.one_of(st.text(st.characters(codec="utf-8"), max_size=6), st.lists(TRICKY, max_size=5).map("".join))
SCALARS = st.one_of(TEXTS, st.integers(), st.booleans(), st.floats(allow_nan=False), st.dates(date(1000, 1, 1)))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)


class Writer:
    """Writes data as TOML in styles drawn by hypothesis, and records the line of every key."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {}

    def flip(self) -> bool:
        return bool(self.draw(st.booleans()))

    def pick(self, *choices: str) -> str:
        return str(self.draw(st.sampled_from(choices)))

    def note(self, path: Path, *, replace: bool = False) -> None:
        if replace or path not in self.lines:
            self.lines[path] = self.text.count("\n") + 1

    def document(self, data: dict[str, Any]) -> None:
        self.text += self.pick("", "\n", "# [a]\n", " \t\n\n")
        self.body((), data)

    def body(self, path: Path, table: dict[str, Any]) -> None:
        """The keys of a table that is open, then its subtables."""
        below = {key: value for key, value in table.items() if self.becomes_tables(value)}
        for key, value in table.items():
            if key in below:
                continue
            if isinstance(value, dict) and value and self.flip():
                self.dotted((*path, key), self.key(key), value)
            else:
                self.statement((*path, key), self.key(key), value)
        for key, value in below.items():
            if isinstance(value, list):
                self.array_of_tables((*path, key), value)
            else:
                self.subtable((*path, key), value)

    def becomes_tables(self, value: object) -> bool:
        tables = isinstance(value, dict) or (
            isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
        )
        return tables and self.flip()

    def subtable(self, path: Path, table: dict[str, Any]) -> None:
        children = [key for key, value in table.items() if isinstance(value, dict)]
        if children and len(children) == len(table) and self.flip():
            for key in children:
                self.subtable((*path, key), table[key])
            if self.flip():
                self.header(path, "[", "]")
            return
        self.header(path, "[", "]")
        self.body(path, table)

    def array_of_tables(self, path: Path, tables: list[dict[str, Any]]) -> None:
        for index, table in enumerate(tables):
            self.header(path, "[[", "]]", index)
            self.body((*path, index), table)

    def header(self, path: Path, opening: str, closing: str, index: int | None = None) -> None:
        self.text += self.pick("", "\n", "  ")
        named = [(end, part) for end, part in enumerate(path, 1) if isinstance(part, str)]
        for end, _ in named:
            self.note(path[:end], replace=end == len(path) and index is None)
        if index is not None:
            self.note((*path, index))
        space = self.pick("", " ")
        keys = f"{space}.{space}".join(self.key(part) for _, part in named)
        self.text += f"{opening}{space}{keys}{space}{closing}{self.end()}"

    def dotted(self, path: Path, written: str, table: dict[str, Any]) -> None:
        for key, value in table.items():
            name = f"{written}{self.pick('.', ' . ')}{self.key(key)}"
            self.note(path)
            if isinstance(value, dict) and value and self.flip():
                self.dotted((*path, key), name, value)
            else:
                self.statement((*path, key), name, value)

    def statement(self, path: Path, written: str, value: object) -> None:
        self.note(path)
        self.text += f"{self.pick('', '  ')}{written}{self.pick('=', ' = ')}"
        self.value(path, value)
        self.text += self.end()

    def end(self) -> str:
        return self.pick("\n", ' # ] } """ \' =\n', "\n\n", "\r\n")

    def key(self, name: str) -> str:
        if re.fullmatch(r"[A-Za-z0-9_-]+", name) and self.flip():
            return name
        return self.string(name)

    def string(self, text: str, *, several_lines: bool = False) -> str:
        printable = not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
        if printable and not re.search(r"['\n]", text) and self.flip():
            return f"'{text}'"
        if several_lines and printable and "'''" not in text and not text.endswith("'" * 3) and self.flip():
            return f"'''\n{text}'''"
        escaped = "".join(f"\\u{ord(c):04x}" if c in "\\\r" or c < " " or c == "\x7f" else c for c in text)
        if several_lines and self.flip():
            raw = escaped.replace("\\u000a", "\n").replace('"""', '""\\"')
            return f'"""\n{raw}"""'
        return '"' + escaped.replace('"', '\\"') + '"'

    def value(self, path: Path, value: object) -> None:
        match value:
            case str():
                self.text += self.string(value, several_lines=True)
            case bool():
                self.text += str(value).lower()
            case list():
                self.array(path, value)
            case dict():
                self.inline_table(path, value)
            case _:
                self.text += str(value)

    def array(self, path: Path, items: list[Any]) -> None:
        self.text += "["
        for index, item in enumerate(items):
            self.text += self.pick("", "\n", " # ], [\n  ", " ")
            self.note((*path, index))
            self.value((*path, index), item)
            self.text += self.pick(",", "\n,", " , # x\n") if index < len(items) - 1 or self.flip() else ""
        self.text += self.pick("]", "\n]", "# ]\n]")

    def inline_table(self, path: Path, table: dict[str, Any]) -> None:
        self.text += "{"
        for index, (key, value) in enumerate(table.items()):
            self.text += ", " if index else self.pick("", " ")
            self.note((*path, key))
            self.text += f"{self.key(key)}{self.pick('=', ' = ')}"
            self.value((*path, key), value)
        self.text += self.pick("}", " }")


@st.composite
def documents(draw: Draw) -> tuple[dict[str, Any], str, dict[Path, int]]:
    writer = Writer(draw)
    data = draw(DOCUMENTS)
    writer.document(data)
    return data, writer.text, writer.lines


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


@given(documents())
def test_every_key_of_any_document_is_found_where_it_was_written(
    written: tuple[dict[str, Any], str, dict[Path, int]],
) -> None:
    data, text, lines = written
    assert tomllib.loads(text) == data
    assert set(lines) == set(paths(data))
    assert key_lines(text) == lines


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("# a\n\n[x]\n\n[x.y]\nz = 1", ("x", "y", "z"), 6),
        ("[x.y]\n[x]\nz = 1", ("x",), 2),
        ("[[x]]\na=1\n[[x]]\na=1", ("x", 1, "a"), 4),
        ("[[x]]\n[[x]]\n[[x.y]]\nz = 1", ("x", 1, "y", 0, "z"), 4),
        ('a = """\nb = 1\n"""\nb = 1', ("b",), 4),
        ("a = '''\n[b]\n'''\nb = 1", ("b",), 4),
        ('a = [\n  1, # ]\n  """\n  """,\n  2,\n]', ("a", 2), 5),
        ('"a b"."c.d" = 1', ("a b", "c.d"), 1),
        ('"\\u0061" = 1', ("a",), 1),
        ("a = {b = 1, c = {d = [\n1,\n2]}}", ("a", "c", "d", 1), 3),
        ("a = 1979-05-27 07:32:00 # x\nb.c = 1", ("b",), 2),
        ("a = 1\r\n\r\nb = 2\r\n", ("b",), 3),
    ],
)
def test_the_line_of(text: str, path: Path, line: int) -> None:
    tomllib.loads(text)
    assert key_lines(text)[path] == line
