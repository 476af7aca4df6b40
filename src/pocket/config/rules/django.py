"""Rules for Django's tables: the keys that a store needs, and values that JSON can represent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from pocket.config import patterns
from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.tables.django import Cache, DjangoTables, Storage

_REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
_LOCATIONS = {"database": "the name of the table", "filesystem": "the directory"}


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues in the stage's tables and in the fallback."""
    if stage.awscontainer is not None:
        tables, path = stage.awscontainer.django, ("awscontainer", "django")
        yield from _tables(tables, path)
        for alias, storage in tables.storages.items():
            if storage.in_bucket and stage.s3 is None:
                message = f'The store "{storage.store}" needs a bucket, but the stage has no table [s3].'
                yield Issue((*path, "storages", alias, "store"), "bucket", message, "Add the table [s3].", (("s3",),))
    fallback: KeyPath = ("general", "django_fallback")
    yield from _tables(stage.general.django_fallback, fallback)
    for alias, storage in stage.general.django_fallback.storages.items():
        if storage.store == "s3" and stage.general.s3_fallback_bucket_name is None:
            message = 'The store "s3" needs general.s3_fallback_bucket_name if POCKET_STAGE is not set.'
            needs = (("general", "s3_fallback_bucket_name"),)
            hint = 'Set it, or use the store "filesystem".'
            yield Issue((*fallback, "storages", alias, "store"), "bucket", message, hint, needs)
        if storage.store == "cloudfront" or storage.signed:
            message = "A laptop has no distribution: only a stage with [cloudfront] can have this."
            key = "store" if storage.store == "cloudfront" else "signed"
            yield Issue((*fallback, "storages", alias, key), "cloudfront", message, 'Use the store "filesystem".')


def _tables(tables: DjangoTables, path: KeyPath) -> Iterator[Issue]:
    for alias, storage in tables.storages.items():
        yield from _storage(storage, (*path, "storages", alias))
        yield from json_issues(storage.options, (*path, "storages", alias, "options"))
    for alias, cache in tables.caches.items():
        yield from _cache(cache, (*path, "caches", alias))
        yield from json_issues(cache.options, (*path, "caches", alias, "options"))
    yield from json_issues(tables.settings, (*path, "settings"))


def _storage(storage: Storage, path: KeyPath) -> Iterator[Issue]:
    if storage.manifest and not storage.static:
        message = "Only static files have a manifest, but this storage is not static."
        yield Issue((*path, "manifest"), "static", message, "Add static = true.", ((*path, "static"),))
    if not storage.in_bucket:
        return
    if storage.location is None:
        message = f'A storage with the store "{storage.store}" needs a location: the prefix of its object keys.'
        yield Issue((*path, "location"), "location", message, 'For example, location = "media".')
    elif not re.match(patterns.OBJECT_DIRECTORY, storage.location):
        # The location becomes part of IAM policies, in which *, ? and ${...} have a special meaning.
        message = f"Expected {patterns.MEANINGS[patterns.OBJECT_DIRECTORY]}."
        hint = "Use letters, digits and !_.'()-, separated by slashes."
        yield Issue((*path, "location"), "location", message, hint, ((*path, "store"),))


def _cache(cache: Cache, path: KeyPath) -> Iterator[Issue]:
    needs = ((*path, "store"),)
    if cache.store in _LOCATIONS and cache.location is None:
        message = f'A cache with the store "{cache.store}" needs a location: {_LOCATIONS[cache.store]}.'
        yield Issue((*path, "location"), "location", message, "", needs)
    if cache.store == "redis" and cache.location is not None and not cache.location.startswith(_REDIS_SCHEMES):
        message = f"Expected a URL that starts with {', '.join(_REDIS_SCHEMES[:2])} or {_REDIS_SCHEMES[2]}."
        yield Issue((*path, "location"), "location", message, "", needs)


def json_issues(value: object, path: KeyPath, reader: str = "the settings module") -> Iterator[Issue]:
    """An issue for each value below `path` that JSON cannot represent; `reader` is the code that gets it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from json_issues(item, (*path, key), reader)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from json_issues(item, (*path, index), reader)
    elif isinstance(value, float) and not math.isfinite(value):
        yield Issue(path, "json", "Expected a finite number: the value is stored as JSON, which has no inf and no nan.")
    elif not isinstance(value, str | bool | int | float):
        message = "Expected a JSON value: JSON has no dates and no times."
        yield Issue(path, "json", message, f"Write it as a string, and parse it in {reader}.")
