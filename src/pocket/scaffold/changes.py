"""The files that `pocket init` writes: planned together, shown as a diff, then written."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

from pocket import naming
from pocket.config import patterns
from pocket.errors import ConfigError
from pocket.scaffold import new_configuration, settings, tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.scaffold.survey import Survey

_IGNORED = (".pocket/", ".env")
"""What only the laptop has."""


_OLD_DJANGO = re.compile(r"""(?im)(?<=["'\n])django *((==|~=|<=|<) *([1-4]\.|5\.[01]\b)[0-9.]*|< *5\.2(?![0-9.]))""")
"""A requirement that only versions of Django before 5.2 meet."""


_PACKAGE = re.compile(r"(?m)^\[(project|tool\.poetry)\b")
"""The tables of a pyproject.toml that name what the project needs; others are of tools such as linters."""


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
        **_new_requirements(found),
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
        path = change.path.resolve()  # a link stays a link
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.pocket")
        temporary.write_text(change.after, encoding="utf-8", newline="")
        if change.before is not None:
            temporary.chmod(path.stat().st_mode)
        temporary.replace(path)


def next_steps(found: Survey, planned: Sequence[Change] = ()) -> Iterator[str]:
    """What the user does after the changes that were `planned`, one line each."""
    wanted = ["django-pocket[s3]"] + ([] if found.has_another_database else ["psycopg[binary]"])
    written = _requirements(found.directory)
    missing = [f'"{item}"' for item in wanted if item.partition("[")[0] not in written]
    if missing and written:
        yield f"Add to the project's requirements: {' '.join(missing)}"
    if old := _OLD_DJANGO.search(written):
        yield f"Raise Django in the requirements: Pocket supports 5.2 and later, and found {old[0].strip()}"
    if plain := found.required.plain:
        yield f"Change in pocket.toml, [awscontainer.envs]: {', '.join(plain)}"
    if found.has_another_database:
        yield "pocket.toml has no [database], since the settings use another one. Its settings stay as they are."
    if any(change.name == "requirements.txt" for change in planned):
        yield "Install what requirements.txt names: python -m pip install -r requirements.txt"
    yield "Next: pocket check, then pocket local" + ("" if found.has_home else ", and open /admin/")


def _check(value: str, pattern: str) -> None:
    if not re.fullmatch(pattern, value):
        raise ConfigError(f'Expected {patterns.MEANINGS[pattern]}; found "{value}".')


def _change(directory: Path, path: Path, after: str) -> Change | None:
    before = tree.text(path) if path.exists() else None
    if before == after or (before is None and not after):
        return None
    return Change(path, path.relative_to(directory).as_posix(), before, after)


def _new_requirements(found: Survey) -> dict[Path, str]:
    """requirements.txt, if the project has no file of what it needs in Lambda."""
    if _requirements(found.directory) or (found.directory / "uv.lock").exists():
        return {}
    named = re.search(r"docs\.djangoproject\.com/en/(\d+\.\d+)/", tree.text(found.settings))
    lines = [
        f"django~={named[1]}.0" if named else "django",
        _own_requirement(),
        *(["fastapi"] if found.api else []),
        *([] if found.has_another_database else ["psycopg[binary]"]),
    ]
    text = "# What the project imports in Lambda: add its other packages.\n" + "".join(f"{line}\n" for line in lines)
    return {found.directory / "requirements.txt": text}


def _own_requirement() -> str:
    """Pocket as a requirement, from where it is installed: an index, or a URL as in PEP 610."""
    direct = json.loads(distribution(naming.DISTRIBUTION).read_text("direct_url.json") or "{}")
    name, url, control = f"{naming.DISTRIBUTION}[s3]", direct.get("url"), direct.get("vcs_info")
    if control:
        return f"{name} @ {control['vcs']}+{url}@{control['commit_id']}"
    return f"{name} @ {url}" if url else name


def _requirements(directory: Path) -> str:
    names = ("pyproject.toml", "requirements.txt", "requirements.in")
    files = [directory / name for name in names] + sorted((directory / "requirements").glob("*.txt"))
    texts = {file: tree.text(file) for file in files if file.is_file()}
    return "".join(f"\n{text}" for file, text in texts.items() if file.suffix != ".toml" or _PACKAGE.search(text))


def gitignore(directory: Path) -> str:
    """The text of .gitignore with the lines that it lacks; the same text if it has them all."""
    path = directory / ".gitignore"
    before = tree.text(path) if path.is_file() else ""
    present = {line.strip().strip("/") for line in before.splitlines()}
    missing = [line for line in _IGNORED if line.strip("/") not in present]
    if not missing:
        return before
    gap = "" if not before or before.endswith("\n") else "\n"
    return before + tree.like(before, gap + "".join(f"{line}\n" for line in missing))
