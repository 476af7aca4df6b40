"""The output of `pocket check`: all issues as one list, as text, JSON or GitHub's annotations."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pocket.check_issues import ERROR, REFUSED, Issue, check_id
from pocket.cli.failure import place_of, write
from pocket.errors import ConfigError, ConfigErrors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pocket.errors import PocketError

_FASTAPI = "pocket.E06", "pocket.W06"


class Entry(NamedTuple):
    """An issue of a layer (file, deploy, project, fastapi, remote) in `stages`, which is empty if all have it."""

    layer: str
    stages: tuple[str, ...]
    issue: Issue


def of_file(error: ConfigError) -> list[Entry]:
    """The issues in the file, in its order."""
    errors = error.errors if isinstance(error, ConfigErrors) else (error,)
    return [Entry("file", (), _of_key(item, check_id(item))) for item in errors]


def of_refusal(error: PocketError, project: Path) -> Issue:
    """The issue for what a deploy would refuse; without a place of its own it is pocket.toml, `project`."""
    if isinstance(error, ConfigError):
        return _of_key(error, REFUSED)
    return Issue(REFUSED, ERROR, error.message, error.hint or None, file=place_of(project))


def _of_key(error: ConfigError, id_: str) -> Issue:
    return Issue(
        id=id_,
        level=ERROR,
        message=f"{error.key}: {error.message}" if error.key else error.message,
        hint=error.hint or None,
        file=None if error.file is None else place_of(error.file),
        line=error.line,
    )


def layer_of(issue: Issue) -> str:
    """The layer of an issue that the project's checks found on this machine."""
    return "fastapi" if (issue.id or "").startswith(_FASTAPI) else "project"


def located(issue: Issue, project: Path) -> Issue:
    """An issue of the project's checks with its file seen from the working directory; `project` is its pocket.toml."""
    if issue.file is not None:
        return replace(issue, file=place_of(project.parent / issue.file))
    # An object that is not in the project's source, such as a handler or a secret, may be in pocket.toml.
    line = _line_of(project, issue.object) if issue.object is not None else None
    return issue if line is None else replace(issue, file=place_of(project), line=line)


def _line_of(file: Path, word: str) -> int | None:
    """The first line of `file` with `word` as a key, as a value, or at the end of a table's name."""
    exactly = re.escape(word)
    pattern = re.compile(rf"""^\s*["']?{exactly}["']?\s*=|=\s*["']{exactly}["']|\.["']?{exactly}["']?\]""")
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
    return next((number for number, text in lines if pattern.search(text)), None)


def merged(found: Iterable[tuple[str, str, Issue]], stages: int) -> list[Entry]:
    """Each issue once, from layer, stage and issue; keeps the order. `stages` is the number of all stages."""
    together: dict[Issue, tuple[str, list[str]]] = {}
    for layer, stage, issue in found:
        _, names = together.setdefault(issue, (layer, []))
        if stage not in names:
            names.append(stage)
    return [
        Entry(layer, tuple(names) if len(names) < stages else (), issue) for issue, (layer, names) in together.items()
    ]


def write_text(found: Sequence[Entry], stages: Sequence[str]) -> None:
    """Text on standard error: level, place, id, message and hint of each issue, and their number."""
    shown = [entry for entry in found if not entry.issue.silenced]
    for layer, names, issue in shown:
        place = f"{issue.place}: " if issue.place else ""
        where = f" [{', '.join([*names, *(['deployed'] if layer == 'remote' else [])])}]"
        write(issue.level_name, f"{place}({issue.id}) {issue.message}{where if where != ' []' else ''}")
        if issue.hint:
            write("hint", issue.hint)
    number = f"{len(shown)} {'issue' if len(shown) == 1 else 'issues'}" if shown else "no issues"
    scope = f" in {', '.join(stages)}" if stages else ""
    sys.stderr.write(f"Checks found {number}{scope} ({len(found) - len(shown)} silenced).\n")


def write_json(found: Sequence[Entry], stages: Sequence[str]) -> None:
    """JSON on standard output: one object with every issue, including silenced ones."""
    messages = [
        {**asdict(issue), "level": issue.level_name, "layer": layer, "stages": names} for layer, names, issue in found
    ]
    sys.stdout.write(json.dumps({"stages": [*stages], "messages": messages}, indent=2) + "\n")


def write_github(found: Sequence[Entry], stages: Sequence[str]) -> None:
    """Workflow commands of GitHub Actions on standard output: one for each issue, which annotates its line."""
    for _, _, item in found:
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
