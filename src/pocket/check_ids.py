"""The ids under which Pocket reports errors in pocket.toml, for the command and for Django's checks."""

from __future__ import annotations

from pocket.errors import ConfigError

MISSING = "pocket.E001"
INVALID = "pocket.E002"
UNKNOWN_STAGE = "pocket.E003"
DECLARED_TWICE = "pocket.E005"
OUTLASTS_ITS_API = "pocket.E006"


def check_id(error: ConfigError) -> str:
    """The id for an error raised by loading pocket.toml or by choosing a stage of it."""
    if error.rule.startswith("twice-"):
        return DECLARED_TWICE
    if error.rule == "api":
        return OUTLASTS_ITS_API
    if not error.rule and error.key == "general.stages":
        return UNKNOWN_STAGE
    return MISSING if error.file is None else INVALID
