"""`[s3]`: the stage's bucket."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from pocket.config import patterns
from pocket.config.name_formats import DEFAULT_FORMAT, checked_format
from pocket.config.tables.table import Table

ObjectDirectory = Annotated[str, Field(pattern=patterns.OBJECT_DIRECTORY)]
Origin = Annotated[str, Field(pattern=patterns.ORIGIN)]


class S3(Table):
    """The bucket of a stage."""

    bucket_name_format: Annotated[str, AfterValidator(checked_format)] = Field(
        DEFAULT_FORMAT, description="Name of the bucket, with the placeholders {prefix}, {stage} and {project}."
    )
    public_dirs: list[ObjectDirectory] = Field(
        default_factory=list,
        description="Prefixes of objects that anyone may read, such as static files; all other objects are private.",
    )
    upload_origins: list[Origin] = Field(
        default_factory=list,
        description="Origins of sites, such as `https://www.example.com`, whose pages may upload to the bucket with"
        " signed requests that your project hands out; `*` for all.",
    )
