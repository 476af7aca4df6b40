"""Base64 and JSON, with pybase64 and orjson where they are installed, else with the standard library."""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _base64_ascii(data: bytes) -> bytes:
    return b2a_base64(data, newline=False)


def _json_bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


base64_bytes: Callable[[str], bytes] = a2b_base64
"""Decodes Base64; raises ValueError for invalid text."""


def base64_text(data: bytes) -> str:
    """Encodes bytes as one line of Base64."""
    return base64_ascii(data).decode("ascii")


base64_ascii: Callable[[bytes], bytes] = _base64_ascii
"""The same as bytes."""

json_bytes: Callable[[object], bytes] = _json_bytes
"""Encodes a value as compact JSON in UTF-8."""

try:
    import pybase64
except ImportError:
    pass
else:
    base64_bytes, base64_ascii = pybase64.b64decode, pybase64.b64encode

try:
    import orjson
except ImportError:
    pass
else:
    json_bytes = orjson.dumps
