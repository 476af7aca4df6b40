"""Names with the placeholders `{prefix}`, `{stage}` and `{project}`."""

from __future__ import annotations

from string import Formatter

from pocket.config.suggestions import suggest
from pocket.config.tables.table import refused

DEFAULT_FORMAT = "{prefix}{stage}-{project}"
PLACEHOLDERS = ("prefix", "stage", "project")


def checked_format(text: str) -> str:
    """`text` as it stands; refuses a placeholder that is not one of `PLACEHOLDERS`, and any formatting of one."""
    expected = "a name in which {prefix}, {stage} and {project} are the only placeholders"
    try:
        fields = list(Formatter().parse(text))
    except ValueError as error:
        raise refused(f"{expected}, every brace closed") from error
    for _, name, spec, conversion in fields:
        if name is None:
            continue
        if name not in PLACEHOLDERS:
            raise refused(expected, suggest(name, PLACEHOLDERS))
        if spec or conversion:
            raise refused(f"{expected}, without a format of their own")
    return text
