"""An issue that a check found, as the project's process and the command exchange it, and the ids for pocket.toml."""

from __future__ import annotations

from dataclasses import dataclass

from pocket.errors import ConfigError

MISSING = "pocket.E001"
INVALID = "pocket.E002"
UNKNOWN_STAGE = "pocket.E003"
DECLARED_TWICE = "pocket.E005"
OUTLASTS_ITS_API = "pocket.E006"
REFUSED = "pocket.E018"
NOTHING_TO_DEPLOY = "pocket.W019"

ERROR = 40


@dataclass(frozen=True)
class Issue:
    """One issue; `level` is Django's number. `file` and `line` are None without a place in the project.

    `file` is relative to the project's folder, and in the command's output to the working directory.
    """

    id: str | None
    level: int
    message: str
    hint: str | None = None
    object: str | None = None
    file: str | None = None
    line: int | None = None
    silenced: bool = False

    @property
    def level_name(self) -> str:
        """The level as a word."""
        return {50: "critical", 40: "error", 30: "warning", 20: "info"}.get(self.level, "debug")

    @property
    def place(self) -> str | None:
        """File and line, and the object unless the message contains it."""
        at = self.file if self.line is None else f"{self.file}:{self.line}"
        named = self.object == at or (at is not None and self.object is not None and self.object in self.message)
        return ": ".join(part for part in (at, None if named else self.object) if part) or None


def check_id(error: ConfigError) -> str:
    """The id for an error raised by loading pocket.toml or by choosing a stage of it."""
    if error.rule.startswith("twice-"):
        return DECLARED_TWICE
    if error.rule == "api":
        return OUTLASTS_ITS_API
    if not error.rule and error.key == "general.stages":
        return UNKNOWN_STAGE
    return MISSING if error.file is None else INVALID
