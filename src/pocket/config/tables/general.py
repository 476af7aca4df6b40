"""`[general]`: what holds for the whole project."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from pocket.config import patterns
from pocket.config.bucket_names import fault_of_bucket_name
from pocket.config.tables.django import DjangoTables
from pocket.config.tables.table import StageName, Table, refused


def _bucket_name(name: str) -> str:
    fault = fault_of_bucket_name(name)
    if fault:
        raise refused(f"the name of an S3 bucket: {fault}")
    return name


class General(Table):
    """What holds for the whole project."""

    region: str = Field(pattern=patterns.REGION, description="AWS region that the project is deployed to.")
    stages: list[StageName] = Field(
        min_length=1, description="Names of the stages; each may have tables of its own, `[STAGE.table]`."
    )
    project_name: str = Field(
        pattern=patterns.PROJECT,
        description="Name of the project, part of every resource's name; the folder's name where it is absent.",
    )
    object_prefix: str = Field("pocket-", pattern=patterns.PREFIX, description="Prefix of every resource's name.")
    s3_fallback_bucket_name: Annotated[str, AfterValidator(_bucket_name)] | None = Field(
        None, description='Bucket of the storages with `store = "s3"` where POCKET_STAGE is unset.'
    )
    django_fallback: DjangoTables = Field(
        default_factory=DjangoTables, description="Django's storages, caches and settings where POCKET_STAGE is unset."
    )
