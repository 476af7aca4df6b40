"""The ids under which Pocket's checks report faults of the file; the same for the command and for Django's checks."""

from __future__ import annotations

from pocket.errors import ConfigError

MISSING = "pocket.E001"
INVALID = "pocket.E002"
UNKNOWN_STAGE = "pocket.E003"
DECLARED_TWICE = "pocket.E005"
OUTLASTS_ITS_API = "pocket.E006"


def check_id(fault: ConfigError) -> str:
    """The id of one fault that loading the file, or asking it for a stage, raised."""
    if fault.rule.startswith("twice-"):
        return DECLARED_TWICE
    if fault.rule == "api":
        return OUTLASTS_ITS_API
    if not fault.rule and fault.key == "general.stages":
        return UNKNOWN_STAGE
    return MISSING if fault.file is None else INVALID
