"""Names in AWS: with the placeholders `{prefix}`, `{stage}` and `{project}`, and those made of other names."""

from __future__ import annotations

import re
from string import Formatter

from pocket.config.suggestions import suggest
from pocket.config.tables.table import refused

DEFAULT_FORMAT = "{prefix}{stage}-{project}"
PLACEHOLDERS = ("prefix", "stage", "project")


def slug(text: str) -> str:
    """The lowercase letters and digits of `text`, with a hyphen for each run of others between them; may be empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def of_each_stage(text: object) -> object:
    """A format of all stages as one of each stage: without `{stage}`, the stage's name is its end."""
    if not isinstance(text, str) or "{stage" in text:
        return text
    return f"{text}-{{stage}}"


def checked_format(text: str) -> str:
    """`text` itself; raises for a placeholder that is not in `PLACEHOLDERS`, and for any formatting of one."""
    expected = "a name with no placeholders other than {prefix}, {stage} and {project}"
    try:
        fields = list(Formatter().parse(text))
    except ValueError as error:
        raise refused(f"{expected}, and every brace closed") from error
    for _, name, spec, conversion in fields:
        if name is None:
            continue
        if name not in PLACEHOLDERS:
            raise refused(expected, suggest(name, PLACEHOLDERS))
        if spec or conversion:
            raise refused(f"{expected}, and without format specifiers")
    return text
