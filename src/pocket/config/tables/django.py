"""`awscontainer.django` and `general.django_fallback`: storages, caches and settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from pocket.config.tables.table import SettingName, Table, Text, refused

CACHE_STORES_TO_COME = {"efs": "a VPC with EFS"}


def _cache_store(value: object) -> object:
    if isinstance(value, str) and value in CACHE_STORES_TO_COME:
        raise refused(
            '"locmem", "dummy", "database", "filesystem" or "redis"',
            f'The store "{value}" is not supported yet: it needs {CACHE_STORES_TO_COME[value]}.',
        )
    return value


class Storage(Table):
    """An entry of Django's STORAGES."""

    store: Literal["s3", "filesystem", "cloudfront"] = Field(
        description="Where the files are stored: in the stage's bucket, in the function's file system, or in the bucket"
        " behind `[cloudfront]`."
    )
    location: Text | None = Field(
        None,
        description="Prefix of the object keys (required for s3 and cloudfront), or directory (filesystem). With"
        " cloudfront it is also the beginning of the files' paths.",
    )
    static: bool = Field(False, description="For static files instead of uploads.")
    manifest: bool = Field(False, description="Add a hash of the content to the names of static files.")
    signed: bool = Field(
        False, description="Serve the files only to those who have a signed URL or cookie; for uploads in cloudfront."
    )
    options: dict[str, Any] = Field(default_factory=dict, description="The storage's OPTIONS.")

    @property
    def in_bucket(self) -> bool:
        """Whether the files are in the stage's bucket."""
        return self.store in {"s3", "cloudfront"}


class Cache(Table):
    """An entry of Django's CACHES."""

    store: Annotated[
        Literal["locmem", "dummy", "database", "filesystem", "redis"],
        BeforeValidator(_cache_store),
    ] = Field(description="Where the cached values are stored.")
    location: Text | None = Field(
        None,
        description="Table (database), directory (filesystem) or URL (redis; defaults to the environment variable"
        " REDIS_URL).",
    )
    options: dict[str, Any] = Field(default_factory=dict, description="The cache's OPTIONS.")


class DjangoTables(Table):
    """Storages, caches and settings for the project's settings module."""

    storages: dict[str, Storage] = Field(default_factory=dict, description="Django's STORAGES, by alias.")
    caches: dict[str, Cache] = Field(default_factory=dict, description="Django's CACHES, by alias.")
    settings: dict[SettingName, Any] = Field(default_factory=dict, description="Any other Django settings.")


class FallbackTasks(Table):
    """How tasks run if POCKET_STAGE is not set."""

    backend: Literal["immediate", "thread", "memory"] = Field(
        "immediate",
        description="Run a task where it is enqueued, in a thread of the process, or not at all and remember it.",
    )


class DjangoFallback(DjangoTables):
    """Storages, caches, settings and tasks for the project's settings module, if POCKET_STAGE is not set."""

    tasks: FallbackTasks = Field(default_factory=FallbackTasks, description="How tasks run.")
