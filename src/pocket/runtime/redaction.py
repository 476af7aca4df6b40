"""Removes secrets from the messages of libraries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHORTEST = 4
"""Characters. Shorter values are not secrets, and occur in many words."""


def redacted(text: str, secrets: Mapping[str, str]) -> str:
    """`text` with the variable's name in place of its secret value, of the value without a leading `$`, and of the
    password in a URL.

    django-environ takes a value that begins with `$` as the name of another variable, and shows it. A URL with a
    password that is not percent-encoded is split into parts, which are shown.
    """
    names = {part: name for name, value in secrets.items() for part in _parts(value) if len(part) >= _SHORTEST}
    for part in sorted(names, key=len, reverse=True):
        text = text.replace(part, f"<{names[part]}>")
    return text


def _parts(value: str) -> Iterator[str]:
    for shown in (value, value.lstrip("$")):
        yield shown
        yield repr(shown)[1:-1]
    password = value.partition("://")[2].rpartition("@")[0].partition(":")[2]
    yield password
    yield unquote(password)
    yield from re.split(r"[#/?\[\]@:]", password)
