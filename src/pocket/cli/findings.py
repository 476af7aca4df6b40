"""What checks found, as one list, and how it is written: for people, for programs, for GitHub's annotations."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.cli.failure import place_of, write
from pocket.errors import ConfigError, ConfigErrors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pocket.deploy.gates.project import Message

ERROR = 40
_FASTAPI = "pocket.E06", "pocket.W06"


@dataclass(frozen=True)
class Finding:
    """One message: `layer` is where it was found (file, project, fastapi, remote), `stages` in which of them.

    `level` is Django's number; `file` a path from the working directory.
    """

    id: str | None
    level: int
    message: str
    hint: str | None = None
    object: str | None = None
    file: str | None = None
    line: int | None = None
    silenced: bool = False
    layer: str = "project"
    stages: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The level as a word."""
        return {50: "critical", 40: "error", 30: "warning", 20: "info"}.get(self.level, "debug")

    @property
    def place(self) -> str | None:
        """What it is about, as text: file and line, and the object where the message does not name it."""
        at = self.file if self.line is None else f"{self.file}:{self.line}"
        named = self.object == at or (at is not None and self.object is not None and self.object in self.message)
        return ": ".join(part for part in (at, None if named else self.object) if part) or None


def of_file(error: ConfigError) -> list[Finding]:
    """The file's faults, in its order."""
    from pocket.check_ids import check_id

    faults = error.errors if isinstance(error, ConfigErrors) else (error,)
    return [
        Finding(
            id=check_id(fault),
            level=ERROR,
            message=f"{fault.key}: {fault.message}" if fault.key else fault.message,
            hint=fault.hint or None,
            file=None if fault.file is None else place_of(fault.file),
            line=fault.line,
            layer="file",
        )
        for fault in faults
    ]


def of_message(message: Message, project: Path) -> Finding:
    """A message of the project's checks; its file as seen from here. `project` is the project's pocket.toml."""
    layer = "fastapi" if (message.id or "").startswith(_FASTAPI) else "project"
    found = replace(Finding(**asdict(message)), layer=layer)
    if message.file is not None:
        return replace(found, file=place_of(project.parent / message.file))
    # A handler, a secret, a setting: what the project's source does not have may stand in pocket.toml.
    line = _line_of(project, message.object) if message.object is not None else None
    return found if line is None else replace(found, file=place_of(project), line=line)


def _line_of(file: Path, word: str) -> int | None:
    """The first line of `file` that has `word` as a key, as a value, or at the end of a table's name."""
    exactly = re.escape(word)
    pattern = re.compile(rf"""^\s*["']?{exactly}["']?\s*=|=\s*["']{exactly}["']|\.["']?{exactly}["']?\]""")
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    return next((number for number, text in lines if pattern.search(text)), None)


def merged(found: Iterable[tuple[str, str, Finding]], stages: int) -> list[Finding]:
    """Each finding once, with the stages that have it, where these are not all of several; layers stay in order."""
    together: dict[Finding, tuple[str, list[str]]] = {}
    for layer, stage, item in found:
        _, names = together.setdefault(replace(item, layer="project"), (layer, []))
        if stage not in names:
            names.append(stage)
    return [
        replace(item, layer=layer, stages=tuple(names) if len(names) < stages else ())
        for item, (layer, names) in together.items()
    ]


def write_text(found: Sequence[Finding], stages: Sequence[str]) -> None:
    """For people, on standard error: level, place, id and message, then the hint; how many there are at the end."""
    shown = [item for item in found if not item.silenced]
    for item in shown:
        place = f"{item.place}: " if item.place else ""
        where = f" [{', '.join([*item.stages, *(['deployed'] if item.layer == 'remote' else [])])}]"
        write(item.name, f"{place}({item.id}) {item.message}{where if where != ' []' else ''}")
        if item.hint:
            write("hint", item.hint)
    number = f"{len(shown)} {'issue' if len(shown) == 1 else 'issues'}" if shown else "no issues"
    scope = f" in {', '.join(stages)}" if stages else ""
    sys.stderr.write(f"Checks found {number}{scope} ({len(found) - len(shown)} silenced).\n")


def write_json(found: Sequence[Finding], stages: Sequence[str]) -> None:
    """For programs, on standard output: one object with every message, silenced ones marked."""
    messages = [{**asdict(item), "level": item.name} for item in found]
    sys.stdout.write(json.dumps({"stages": [*stages], "messages": messages}, indent=2) + "\n")


def write_github(found: Sequence[Finding], stages: Sequence[str]) -> None:
    """For GitHub Actions, on standard output: one workflow command a message, which annotates its line."""
    for item in found:
        if item.silenced:
            continue
        kind = "error" if item.level >= ERROR else "warning" if item.level >= 30 else "notice"
        facts = {"file": _in_repository(item.file), "line": item.line, "title": item.id}
        told = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in facts.items() if value is not None)
        place = f"{item.object}: " if item.object else ""
        hint = f"\n{item.hint}" if item.hint else ""
        sys.stdout.write(f"::{kind} {told}::{_escaped(f'{place}{item.message}{hint}')}\n")


def _in_repository(file: str | None) -> str | None:
    """A path from the repository's root, where GitHub looks for it; `file` is one from the working directory."""
    if file is None:
        return None
    place = Path.cwd() / file
    roots = (folder for folder in place.parents if (folder / ".git").exists())
    root = os.environ.get("GITHUB_WORKSPACE") or next(roots, None)
    try:
        return file if root is None else place.relative_to(Path(root).resolve()).as_posix()
    except ValueError:
        return file


def _escaped(text: str, more: str = "") -> str:
    """As GitHub's runner unescapes it: per cent, line ends, and in properties their separators."""
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


WRITERS = {"text": write_text, "json": write_json, "github": write_github}
