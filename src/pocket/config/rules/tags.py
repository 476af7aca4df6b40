"""Rules for `general.tags`: what AWS allows as a tag, and the keys that are not the user's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig

MOST = 47
"""AWS allows 50 tags; Pocket sets three of its own."""

_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_RESERVED = {"aws:": "AWS", "pocket:": "Pocket"}
_ALLOWED = r"[\w .:/=+@-]+"


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with the stage's tags; see https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html."""
    tags = stage.general.tags
    table: KeyPath = ("general", "tags")
    if len(tags) > MOST:
        message = f"There are {len(tags)} tags; expected at most {MOST}, since AWS allows 50 and Pocket sets 3."
        yield Issue(table, "number", message)
    known: dict[str, str] = {}
    for key, value in tags.items():
        path = (*table, key)
        owner = next((name for prefix, name in _RESERVED.items() if key.lower().startswith(prefix)), None)
        if owner is not None:
            yield Issue(path, "reserved", f'Tags that begin with "{key.partition(":")[0]}:" are reserved by {owner}.')
        elif issue := _issue_with(key, "key", _LONGEST_KEY) or _issue_with(value, "value", _LONGEST_VALUE):
            yield Issue(path, "text", issue)
        other = known.setdefault(key.lower(), key)
        if other != key:
            message = f'The tags "{other}" and "{key}" differ only in case; IAM roles can have only one of them.'
            yield Issue(path, "case", message, "Remove one of the two.")


def _issue_with(text: str, what: str, longest: int) -> str:
    if not 0 < len(text) <= longest:
        return f"Expected a {what} of 1 to {longest} characters, found {len(text)}."
    if not re.fullmatch(_ALLOWED, text):
        return f"Expected a {what} of letters, digits, spaces and _.:/=+-@."
    return ""
