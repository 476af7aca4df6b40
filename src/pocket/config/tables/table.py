"""The base of every table of `pocket.toml`: no unknown keys, no conversion between TOML types, frozen."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from pocket.config import patterns


class Table(BaseModel):
    """A table of the file; values are never converted to another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def refused(expected: str, hint: str = "") -> PydanticCustomError:
    """The error for a value that its type cannot exclude; `expected` follows the word "Expected"."""
    return PydanticCustomError("refused", "{expected}", {"expected": expected, "hint": hint})


StageName = Annotated[str, Field(pattern=patterns.STAGE)]
HandlerName = Annotated[str, Field(pattern=patterns.HANDLER)]
VariableName = Annotated[str, Field(pattern=patterns.VARIABLE)]
SettingName = Annotated[str, Field(pattern=patterns.SETTING)]
Arn = Annotated[str, Field(pattern=patterns.ARN)]
EmailAddress = Annotated[str, Field(pattern=patterns.EMAIL)]
Text = Annotated[str, Field(min_length=1)]
