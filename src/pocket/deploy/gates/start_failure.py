"""Why a project does not start: place, reason and hint, from the traceback."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from pocket.config import StageConfig

_MOST_LINES = 12
"""Lines shown of an exception's message: pydantic writes three for each invalid value."""

_LOADED = (
    "It was loaded with the stage's values and placeholders for its secrets, and without the local .env, which is not"
    " in the artifact."
)
_HINTS = (
    (
        r"KeyError: '([A-Z][A-Z0-9_]*)'|Set the ([A-Z][A-Z0-9_]*) environment variable",
        "Set {0} in [awscontainer.envs], declare it as a secret, or give it a default in the settings.",
    ),
    (
        r"ModuleNotFoundError: No module named '([^']+)'",
        "Correct the name, or add the package to the project's requirements and install it here.",
    ),
    (
        r"Error loading (psycopg2|psycopg|MySQLdb|cx_Oracle|oracledb)",
        "The database's driver is not installed here: install the project's requirements, which have to name it.",
    ),
    (r"ImportError: .*circular import", "Break the circular import: `pocket doctor --stage {stage}` shows it."),
    (
        r"AppRegistryNotReady|OperationalError|ProgrammingError",
        "`pocket doctor --stage {stage}` shows the code that caused it.",
    ),
    (r"SyntaxError|IndentationError|TabError", "Correct this line."),
)
_OTHERS = "Correct this line; `pocket doctor --stage {stage}` shows how it is reached."


class Failure(NamedTuple):
    """A start that failed; `file` is relative to the project's folder."""

    reason: str
    hint: str
    file: str | None
    line: int | None


def explain(stderr: str, folder: Path, stage: StageConfig) -> Failure:
    """The failure, from the standard error of a process that started the project in `folder`."""
    plain = stderr.strip().replace(f"{folder}/", "")
    reason = _exception(plain)
    places = re.findall(r'File "([^"<]+)", line (\d+)', plain)
    own = [(file, int(line)) for file, line in places if not file.startswith("/")]
    file, line = own[-1] if own else _mentioned(reason, folder, stage.settings_module)
    return Failure(reason, f"{_hint(reason, stage, _statement(folder, file, line))} {_LOADED}", file, line)


def _exception(stderr: str) -> str:
    """The exception that ended the process: all lines of its message, which follow the last traceback's frames."""
    frames = stderr.rpartition("Traceback (most recent call last):\n")[2].splitlines()
    first = next((number for number, text in enumerate(frames) if not text.startswith(" ")), len(frames) - 1)
    message = frames[first:]
    if len(message) > _MOST_LINES:
        message = [*message[:_MOST_LINES], f"({len(message) - _MOST_LINES} more lines)"]
    return "\n".join(message).rstrip()


def _hint(reason: str, stage: StageConfig, statement: str) -> str:
    secrets = [variable.name for variable in stage.secret_variables]
    for pattern, hint in _HINTS:
        found = re.search(pattern, reason)
        if found is not None:
            name = next((group for group in found.groups() if group), "")
            if name in secrets:
                return f"{name} is declared as a secret: call set_envs() in the settings before {name} is read."
            return hint.format(name, stage=stage.name)
    hint = _OTHERS.format(stage=stage.name)
    named = [name for name in secrets if re.search(rf"\b{re.escape(name)}\b", statement + reason)]
    if not secrets or (not named and not statement):
        return hint
    which = f"{named[0]} is a placeholder here" if named else "Secrets are placeholders here"
    example = named[0] if named else secrets[0]
    return (
        f"{hint} {which}; if the value must have a certain form, set one in"
        f' [awscontainer.secretsmanager.placeholders]: {example} = "...".'
    )


def _statement(folder: Path, file: str | None, line: int | None) -> str:
    """The source of the innermost statement around a line; "" if it cannot be read."""
    try:
        text = (folder / (file or "")).read_text(encoding="utf-8", errors="replace")
        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError):
        return ""
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and line and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    inner = min(around, key=lambda node: (node.end_lineno or node.lineno) - node.lineno, default=None)
    return (ast.get_source_segment(text, inner) or "") if inner is not None else ""


def _mentioned(reason: str, folder: Path, settings_module: str | None) -> tuple[str | None, int | None]:
    """The line of the settings with a name that the reason quotes: an entry of INSTALLED_APPS, for instance."""
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
