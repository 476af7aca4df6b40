"""`[general]`: the keys that apply to the whole project."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from pocket.config import patterns
from pocket.config.bucket_names import issue_with_bucket_name
from pocket.config.tables.django import DjangoFallback
from pocket.config.tables.table import StageName, Table, refused


def _bucket_name(name: str) -> str:
    issue = issue_with_bucket_name(name)
    if issue:
        raise refused(f"the name of an S3 bucket: {issue}")
    return name


class General(Table):
    """The keys that apply to the whole project."""

    region: str = Field(pattern=patterns.REGION, description="AWS region to deploy to.")
    account: str | None = Field(
        None,
        pattern=patterns.ACCOUNT,
        description="AWS account of the stages. Commands refuse to use the credentials of another account.",
    )
    tags: dict[str, str] = Field(default_factory=dict, description="Tags of every resource that can have tags.")
    stages: list[StageName] = Field(
        min_length=1, description="Names of the stages; each can have its own tables, `[STAGE.table]`."
    )
    project_name: str = Field(
        pattern=patterns.PROJECT,
        description="Name of the project, part of every resource's name. Defaults to the directory's name.",
    )
    object_prefix: str = Field("pocket-", pattern=patterns.PREFIX, description="Prefix of every resource's name.")
    s3_fallback_bucket_name: Annotated[str, AfterValidator(_bucket_name)] | None = Field(
        None, description='Bucket of storages with `store = "s3"` if POCKET_STAGE is not set.'
    )
    django_fallback: DjangoFallback = Field(
        default_factory=DjangoFallback,
        description="Django's storages, caches, settings and tasks if POCKET_STAGE is not set.",
    )
