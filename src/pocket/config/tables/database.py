"""`[database]`: the database of a stage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pocket.config.formats import checked_format
from pocket.config.secret_references import issue_with_reference
from pocket.config.tables.table import Table, refused


def _reference(text: str) -> str:
    checked_format(text)
    issue = issue_with_reference(text.format(prefix="p", stage="s", project="p"))
    if issue:
        raise refused(issue)
    return text


class Database(Table):
    """The database of a stage; `pocket local` runs one of its own in its place."""

    engine: Literal["postgresql"] = Field(description="The kind of database: a PostgreSQL server that exists.")
    secret: Annotated[str, AfterValidator(_reference)] | None = Field(
        None,
        description="Secret with the database's URL: an ARN or a name, with the placeholders {prefix}, {stage} and"
        " {project}; `#key` is one key of a JSON secret.",
    )
