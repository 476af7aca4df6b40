"""Texts without the secrets that others have put into them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHORTEST = 4
"""Characters: what is shorter is no secret, and stands in many a word."""


def redacted(text: str, secrets: Mapping[str, str]) -> str:
    """`text` with a variable's name in the place of its secret value, of what follows a `$`, and of a URL's password.

    django-environ takes a value that begins with `$` for the name of another variable, and shows it; a URL whose
    password is not percent-encoded is parsed into pieces, and these are shown.
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
