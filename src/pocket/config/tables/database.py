"""`[database]`: the database of a stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field

from pocket import naming
from pocket.config import patterns
from pocket.config.name_formats import DEFAULT_FORMAT, checked_format
from pocket.config.secret_references import issue_with_reference
from pocket.config.tables.table import Table, Text, refused

_LONGEST_BRANCH = 200
"""Neon takes 256 characters; the placeholders and the time of a restored branch are longer than their names."""


@dataclass(frozen=True)
class IamAccess:
    """A database whose users connect with tokens of IAM: `owner` migrates it, `user` has rights on its data alone.

    Without an owner, `user` does both.
    """

    host: str
    port: int
    name: str
    user: str
    resource_id: str
    owner: str = ""

    @property
    def url(self) -> str:
        """The URL of `user`, with the ENGINE that signs the tokens."""
        return self.url_of(self.user)

    def url_of(self, user: str) -> str:
        """The same for another user."""
        name = quote(self.name, safe="")
        return f"{naming.IAM_ENGINE}://{quote(user, safe='')}@{self.host}:{self.port}/{name}"


AURORA_OWNER = AURORA_DATABASE = "postgres"
"""The user and the database that a new cluster has."""

AURORA_USER = "app"
"""The user that the first migration makes."""


def _reference(text: str) -> str:
    checked_format(text)
    issue = issue_with_reference(text.format(prefix="p", stage="s", project="p"))
    if issue:
        raise refused(issue)
    return text


def _branch(text: str) -> str:
    checked_format(text)
    if not 1 <= len(text) <= _LONGEST_BRANCH:
        raise refused(f"1 to {_LONGEST_BRANCH} characters")
    return text


class Database(Table):
    """The database of a stage; `pocket local` runs one of its own in its place."""

    engine: Literal["postgresql", "aurora", "neon"] = Field(
        description="The kind of database: a PostgreSQL server that exists, or an Aurora cluster or a branch on Neon of"
        " the stage's own."
    )
    secret: Annotated[str, AfterValidator(_reference)] | None = Field(
        None,
        description="Secret with the database's URL: an ARN or a name, with the placeholders {prefix}, {stage} and"
        " {project}; `#key` is one key of a JSON secret. With `host` and `name`, the secret is a JSON object with"
        " `username` and `password`, such as RDS manages.",
    )
    host: Annotated[str, Field(pattern=patterns.HOST)] | None = Field(None, description="Host of the server.")
    port: int = Field(5432, ge=1, le=65535, description="Port of the server.")
    name: Text | None = Field(None, description="Name of the database on the server.")
    user: Text | None = Field(None, description="User that the functions connect as, with IAM or on Neon.")
    owner: Text | None = Field(
        None, description="With IAM, user that owns the tables and runs management commands. Defaults to `user`."
    )
    iam: bool = Field(False, description="Connect with a token that the function's role signs, instead of a password.")
    resource_id: Annotated[str, Field(pattern=patterns.DATABASE_RESOURCE)] | None = Field(
        None,
        description="With IAM, the resource id of the cluster, instance or proxy, such as `cluster-ABCDEFGHIJKL`.",
    )
    cluster: Annotated[str, AfterValidator(checked_format)] = Field(
        f"{DEFAULT_FORMAT}-database",
        description="Name of the stage's Aurora cluster, with the placeholders {prefix}, {stage} and {project}.",
    )
    project: Annotated[str, Field(pattern=patterns.NEON_ID)] | None = Field(
        None, description="Id of the project on Neon, such as `shiny-wind-028834`."
    )
    branch: Annotated[str, AfterValidator(_branch)] = Field(
        DEFAULT_FORMAT,
        description="Name of the stage's branch on Neon, with the placeholders {prefix}, {stage} and {project}.",
    )
    parent_branch: Text | None = Field(
        None, description="Branch that a new branch begins from. Defaults to the project's default branch."
    )
    api_key_secret: Annotated[str, AfterValidator(_reference)] | None = Field(
        None, description="Secret with Neon's API key, where the deployer has no NEON_API_KEY."
    )

    @property
    def iam_access(self) -> IamAccess | None:
        """The access to a server that exists, with IAM; None without."""
        if not self.iam:
            return None
        host, name, user = self.host or "", self.name or "", self.user or ""
        return IamAccess(host, self.port, name, user, self.resource_id or "", self.owner or "")

    @property
    def application_user(self) -> str | None:
        """The user who gets rights on what another one owns; None where there is no other."""
        return AURORA_USER if self.engine == "aurora" else self.user if self.owner is not None else None
