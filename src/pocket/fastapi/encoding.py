"""JSON of rows, in pydantic's forms: orjson writes it where the project has it installed, pydantic elsewhere."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json, to_jsonable_python

if TYPE_CHECKING:
    from collections.abc import Callable


def _orjson() -> Callable[[Any], bytes] | None:
    try:
        import orjson
    except ImportError:
        return None

    def other(value: Any) -> Any:
        if type(value) is Decimal or type(value) is timedelta:
            return to_jsonable_python(value)
        raise TypeError

    def dump(value: Any) -> bytes:
        try:
            written: bytes = orjson.dumps(value, other, orjson.OPT_UTC_Z)
        except TypeError:  # an integer of over 64 bits
            return to_json(value)
        return written

    return dump


encode: Callable[[Any], bytes] = _orjson() or to_json
