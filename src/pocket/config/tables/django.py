"""`awscontainer.django` and `general.django_fallback`: storages, caches and settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from pocket.config.tables.table import SettingName, Table, Text, refused

STORAGE_STORES_TO_COME = {"cloudfront": "[cloudfront]"}
CACHE_STORES_TO_COME = {"efs": "a VPC with EFS"}


def _storage_store(value: object) -> object:
    if isinstance(value, str) and value in STORAGE_STORES_TO_COME:
        raise refused(
            '"s3" or "filesystem"',
            f'The store "{value}" is not offered yet: it comes with {STORAGE_STORES_TO_COME[value]}.',
        )
    return value


def _cache_store(value: object) -> object:
    if isinstance(value, str) and value in CACHE_STORES_TO_COME:
        raise refused(
            '"locmem", "dummy", "database", "filesystem" or "redis"',
            f'The store "{value}" is not offered yet: it comes with {CACHE_STORES_TO_COME[value]}.',
        )
    return value


class Storage(Table):
    """One of Django's STORAGES."""

    store: Annotated[Literal["s3", "filesystem"], BeforeValidator(_storage_store)] = Field(
        description="Where the files lie: in the stage's bucket, or in the function's own file system."
    )
    location: Text | None = Field(None, description="Prefix of the object keys (required for s3), or the directory.")
    static: bool = Field(False, description="Holds static files rather than uploads.")
    manifest: bool = Field(False, description="Static files carry a hash of their content in their names.")
    options: dict[str, Any] = Field(default_factory=dict, description="Passed through to the storage's OPTIONS.")


class Cache(Table):
    """One of Django's CACHES."""

    store: Annotated[
        Literal["locmem", "dummy", "database", "filesystem", "redis"],
        BeforeValidator(_cache_store),
    ] = Field(description="Where the cached values lie.")
    location: Text | None = Field(
        None,
        description="The table (database), the directory (filesystem) or the URL (redis; else the environment's"
        " REDIS_URL).",
    )
    options: dict[str, Any] = Field(default_factory=dict, description="Passed through to the cache's OPTIONS.")


class DjangoTables(Table):
    """What the project's settings module takes from this file."""

    storages: dict[str, Storage] = Field(default_factory=dict, description="Django's STORAGES, by alias.")
    caches: dict[str, Cache] = Field(default_factory=dict, description="Django's CACHES, by alias.")
    settings: dict[SettingName, Any] = Field(default_factory=dict, description="Any Django settings, as they stand.")
