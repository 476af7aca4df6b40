"""Base64 and JSON, by the fast libraries where the project has them installed, else by the standard library."""

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
"""What Base64 text stands for; ValueError where it is no Base64."""

base64_ascii: Callable[[bytes], bytes] = _base64_ascii
"""Bytes in Base64, on one line."""

json_bytes: Callable[[object], bytes] = _json_bytes
"""A value as compact JSON in UTF-8."""

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
