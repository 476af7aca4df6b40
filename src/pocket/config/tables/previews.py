"""`[previews]`: stages without an entry of their own, such as one for each pull request."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from pocket.config import patterns
from pocket.config.tables.table import StageName, Table, refused

_DURATION = re.compile(r"([1-9][0-9]{0,3}) (hour|day|week)s?")


def _duration(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise refused('a number of hours, days or weeks, such as "7 days"')
    return text


class Previews(Table):
    """Stages without an entry of their own, each with the configuration of another stage."""

    model_config = ConfigDict(serialize_by_alias=True)

    pattern: str = Field(pattern=patterns.PREVIEWS, description="The stages' names, with one `*`, such as `preview-*`.")
    source: StageName = Field(alias="from", description="The stage whose configuration each of them has.")
    expire_after: Annotated[str, AfterValidator(_duration)] | None = Field(
        None, description="Time without a deploy after which `pocket destroy --expired` removes one, such as `7 days`."
    )
    limit: int | None = Field(None, ge=1, description="How many there can be at a time.")

    @property
    def lifetime(self) -> timedelta | None:
        """The time without a deploy after which one is expired; None if it never is."""
        found = _DURATION.fullmatch(self.expire_after or "")
        return timedelta(**{f"{found[2]}s": int(found[1])}) if found else None

    def matches(self, name: str) -> bool:
        """Whether a stage of this name would be one, if it is not declared."""
        before, _, after = self.pattern.partition("*")
        fits = name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
        return fits and re.fullmatch(patterns.STAGE, name) is not None
