"""What every table of `pocket.toml` shares: its keys are known, its values have their TOML types, nothing changes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from pocket.config import patterns


class Table(BaseModel):
    """A table of the file; TOML's own types are taken as they stand, never converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def refused(expected: str, hint: str = "") -> PydanticCustomError:
    """The error for a value that its type cannot describe; `expected` follows the word "Expected"."""
    return PydanticCustomError("refused", "{expected}", {"expected": expected, "hint": hint})


StageName = Annotated[str, Field(pattern=patterns.STAGE)]
HandlerName = Annotated[str, Field(pattern=patterns.HANDLER)]
VariableName = Annotated[str, Field(pattern=patterns.VARIABLE)]
SettingName = Annotated[str, Field(pattern=patterns.SETTING)]
Arn = Annotated[str, Field(pattern=patterns.ARN)]
Text = Annotated[str, Field(min_length=1)]
