"""The files that `pocket init` writes: planned together, shown as a diff, then written."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pocket.config import patterns
from pocket.errors import ConfigError
from pocket.scaffold import new_configuration, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.scaffold.survey import Survey

_IGNORED = (".pocket/", ".env")
"""What only the laptop has."""


_OLD_DJANGO = re.compile(r"""(?im)(?<=["'\n])django *((==|~=|<=|<) *([1-4]\.|5\.[01]\b)[0-9.]*|< *5\.2(?![0-9.]))""")
"""A requirement that only versions of Django before 5.2 meet."""


@dataclass(frozen=True)
class Change:
    """A file's text before and after; `before` is None for a new file. `name` is its path relative to the project."""

    path: Path
    name: str
    before: str | None
    after: str

    def diff(self) -> str:
        """A unified diff, as git shows it, without a newline at its end."""
        old, new = (self.before or "").splitlines(), self.after.splitlines()
        source = "/dev/null" if self.before is None else f"a/{self.name}"
        return "\n".join(difflib.unified_diff(old, new, source, f"b/{self.name}", lineterm=""))


def plan(found: Survey, *, region: str, stage: str, suffix: str) -> list[Change]:
    """The changes that the project needs; none for what is there already. Raises ConfigError if pocket.toml exists."""
    file = found.directory / "pocket.toml"
    if file.exists():
        raise ConfigError(
            "pocket.toml exists already.", "Change it by hand, and check it with: pocket check", file=file
        )
    _check(region, patterns.REGION)
    _check(stage, patterns.STAGE)
    texts = {
        file: new_configuration.text(found, region=region, stage=stage, suffix=suffix),
        found.settings: settings.text(found),
        found.directory / ".gitignore": gitignore(found.directory),
    }
    return [change for path, after in texts.items() if (change := _change(found.directory, path, after)) is not None]


def change(directory: Path, name: str, after: str) -> list[Change]:
    """The change that gives the file `name` the text `after`; none if it has that text."""
    found = _change(directory, directory / name, after)
    return [] if found is None else [found]


def write(changes: Sequence[Change]) -> None:
    """Writes each file. A file is replaced as a whole, so an interrupted run leaves none of them half written."""
    for change in changes:
        change.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = change.path.with_name(f".{change.path.name}.pocket")
        temporary.write_text(change.after, encoding="utf-8")
        if change.before is not None:
            temporary.chmod(change.path.stat().st_mode)
        temporary.replace(change.path)


def next_steps(found: Survey) -> Iterator[str]:
    """What the user does next, one line each."""
    wanted = ["django-pocket[s3]"] + ([] if found.has_another_database else ["psycopg[binary]"])
    written = _requirements(found.directory)
    missing = [f'"{item}"' for item in wanted if item.partition("[")[0] not in written]
    if missing:
        yield f"Add to the project's requirements: {' '.join(missing)}"
    if old := _OLD_DJANGO.search(written):
        yield f"Raise Django in the requirements: Pocket supports 5.2 and later, and found {old[0].strip()}"
    if plain := found.required.plain:
        yield f"Change in pocket.toml, [awscontainer.envs]: {', '.join(plain)}"
    if found.has_another_database:
        yield "pocket.toml has no [database], since the settings use another one. Its settings stay as they are."
    yield "Next: pocket check, then pocket local" + ("" if found.has_home else ", and open /admin/")


def _check(value: str, pattern: str) -> None:
    if not re.fullmatch(pattern, value):
        raise ConfigError(f'Expected {patterns.MEANINGS[pattern]}; found "{value}".')


def _change(directory: Path, path: Path, after: str) -> Change | None:
    before = path.read_text(encoding="utf-8") if path.exists() else None
    if before == after or (before is None and not after):
        return None
    return Change(path, path.relative_to(directory).as_posix(), before, after)


def _requirements(directory: Path) -> str:
    names = ("pyproject.toml", "requirements.txt", "requirements.in")
    files = [directory / name for name in names] + sorted((directory / "requirements").glob("*.txt"))
    return "\n".join(["", *(file.read_text(encoding="utf-8") for file in files if file.is_file())])


def gitignore(directory: Path) -> str:
    """The text of .gitignore with the lines that it lacks; the same text if it has them all."""
    path = directory / ".gitignore"
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    present = {line.strip().strip("/") for line in before.splitlines()}
    missing = [line for line in _IGNORED if line.strip("/") not in present]
    if not missing:
        return before
    gap = "" if not before or before.endswith("\n") else "\n"
    return before + gap + "".join(f"{line}\n" for line in missing)
