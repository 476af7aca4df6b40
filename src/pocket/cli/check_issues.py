"""The issues that checks find, as one list, written as text, as JSON or as GitHub's annotations."""

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
class Issue:
    """One message; `layer` is what was checked (file, project, fastapi, remote), `stages` the affected stages.

    `level` is Django's number; `file` is relative to the working directory.
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
        """File and line, and the object unless the message contains it."""
        at = self.file if self.line is None else f"{self.file}:{self.line}"
        named = self.object == at or (at is not None and self.object is not None and self.object in self.message)
        return ": ".join(part for part in (at, None if named else self.object) if part) or None


def of_file(error: ConfigError) -> list[Issue]:
    """The issues in the file, in its order."""
    from pocket.check_ids import check_id

    errors = error.errors if isinstance(error, ConfigErrors) else (error,)
    return [
        Issue(
            id=check_id(item),
            level=ERROR,
            message=f"{item.key}: {item.message}" if item.key else item.message,
            hint=item.hint or None,
            file=None if item.file is None else place_of(item.file),
            line=item.line,
            layer="file",
        )
        for item in errors
    ]


def of_message(message: Message, project: Path) -> Issue:
    """The issue of a message of the project's checks, whose pocket.toml is `project`."""
    layer = "fastapi" if (message.id or "").startswith(_FASTAPI) else "project"
    found = replace(Issue(**asdict(message)), layer=layer)
    if message.file is not None:
        return replace(found, file=place_of(project.parent / message.file))
    # An object that is not in the project's source, such as a handler or a secret, may be in pocket.toml.
    line = _line_of(project, message.object) if message.object is not None else None
    return found if line is None else replace(found, file=place_of(project), line=line)


def _line_of(file: Path, word: str) -> int | None:
    """The first line of `file` with `word` as a key, as a value, or at the end of a table's name."""
    exactly = re.escape(word)
    pattern = re.compile(rf"""^\s*["']?{exactly}["']?\s*=|=\s*["']{exactly}["']|\.["']?{exactly}["']?\]""")
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    return next((number for number, text in lines if pattern.search(text)), None)


def merged(found: Iterable[tuple[str, str, Issue]], stages: int) -> list[Issue]:
    """Each issue once, with its stages unless all have it; keeps the order of the layers."""
    together: dict[Issue, tuple[str, list[str]]] = {}
    for layer, stage, item in found:
        _, names = together.setdefault(replace(item, layer="project"), (layer, []))
        if stage not in names:
            names.append(stage)
    return [
        replace(item, layer=layer, stages=tuple(names) if len(names) < stages else ())
        for item, (layer, names) in together.items()
    ]


def write_text(found: Sequence[Issue], stages: Sequence[str]) -> None:
    """Text on standard error: level, place, id, message and hint of each issue, and their number."""
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


def write_json(found: Sequence[Issue], stages: Sequence[str]) -> None:
    """JSON on standard output: one object with every message, including silenced ones."""
    messages = [{**asdict(item), "level": item.name} for item in found]
    sys.stdout.write(json.dumps({"stages": [*stages], "messages": messages}, indent=2) + "\n")


def write_github(found: Sequence[Issue], stages: Sequence[str]) -> None:
    """Workflow commands of GitHub Actions on standard output: one per message, which annotates its line."""
    for item in found:
        if item.silenced:
            continue
        kind = "error" if item.level >= ERROR else "warning" if item.level >= 30 else "notice"
        facts = {"file": _in_repository(item.file), "line": item.line, "title": item.id}
        properties = ",".join(
            f"{key}={_escaped(str(value), ':,')}" for key, value in facts.items() if value is not None
        )
        place = f"{item.object}: " if item.object else ""
        hint = f"\n{item.hint}" if item.hint else ""
        sys.stdout.write(f"::{kind} {properties}::{_escaped(f'{place}{item.message}{hint}')}\n")


def _in_repository(file: str | None) -> str | None:
    """`file`, a path relative to the working directory, relative to the repository's root, as GitHub expects."""
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
    """`text` escaped for GitHub's runner: percent signs, line ends, and the characters in `more`."""
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


WRITERS = {"text": write_text, "json": write_json, "github": write_github}
