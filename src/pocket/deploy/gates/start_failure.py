"""A project that does not start, as one message: where, why, and what to do, from the traceback that it ended with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_LOADED = (
    "It was loaded with the stage's values and placeholders for its secrets, without the laptop's .env, which no"
    " artifact holds."
)
_CURES = (
    (
        r"KeyError: '([A-Z][A-Z0-9_]*)'|Set the ([A-Z][A-Z0-9_]*) environment variable",
        "Give {0} a value in [awscontainer.envs], a secret, or a default in the settings.",
    ),
    (
        r"ModuleNotFoundError: No module named '([^']+)'",
        "Correct the name, or add the package to the project's requirements and install it here.",
    ),
    (r"ImportError: .*circular import", "Break the circle: `pocket doctor --stage {stage}` draws it."),
    (r"AppRegistryNotReady|OperationalError|ProgrammingError", "`pocket doctor --stage {stage}` tells who asked."),
    (r"SyntaxError|IndentationError|TabError", "Correct that line."),
)
_OTHERS = "Correct what this line does; `pocket doctor --stage {stage}` shows the way to it."


class Failure(NamedTuple):
    """What a message of it says; `file` is a path from the project's folder."""

    reason: str
    hint: str
    file: str | None
    line: int | None


def explain(said: str, folder: Path, settings_module: str | None, stage: str) -> Failure:
    """What `said`, the standard error of a process that started the project in `folder`, comes down to."""
    plain = said.strip().replace(f"{folder}/", "")
    reason = plain.rpartition("\n")[2]
    places = re.findall(r'File "([^"<]+)", line (\d+)', plain)
    own = [(file, int(line)) for file, line in places if not file.startswith("/")]
    file, line = own[-1] if own else _mentioned(reason, folder, settings_module)
    for pattern, cure in _CURES:
        found = re.search(pattern, reason)
        if found is not None:
            name = next((group for group in found.groups() if group), "")
            return Failure(reason, f"{cure.format(name, stage=stage)} {_LOADED}", file, line)
    return Failure(reason, f"{_OTHERS.format(stage=stage)} {_LOADED}", file, line)


def _mentioned(reason: str, folder: Path, settings_module: str | None) -> tuple[str | None, int | None]:
    """The line of the settings that has what the reason quotes: an entry of INSTALLED_APPS, for instance."""
    if settings_module is None:
        return None, None
    name = f"{settings_module.replace('.', '/')}.py"
    try:
        lines = (folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None, None
    for quoted in re.findall(r"""['"]([^'"]+)['"]""", reason):
        for number, text in enumerate(lines, 1):
            if re.search(rf"""['"]{re.escape(quoted)}[.'"]""", text):
                return name, number
    return None, None
