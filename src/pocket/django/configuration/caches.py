"""CACHES from the `caches` table."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pocket.django.configuration.errors import SettingsError

if TYPE_CHECKING:
    from pocket.manifest import Cache, DjangoTables

DEFAULTS = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

_BACKENDS = {
    "locmem": "django.core.cache.backends.locmem.LocMemCache",
    "dummy": "django.core.cache.backends.dummy.DummyCache",
    "database": "django.core.cache.backends.db.DatabaseCache",
    "filesystem": "django.core.cache.backends.filebased.FileBasedCache",
    "redis": "django.core.cache.backends.redis.RedisCache",
}
_NEED_LOCATION = {"database": "the table's name", "filesystem": "a folder"}


def caches(tables: DjangoTables) -> dict[str, Any]:
    """Django's CACHES; raises SettingsError."""
    found = {name: _entry(name, item) for name, item in tables.caches.items()}
    return {name: dict(entry) for name, entry in ({**DEFAULTS, **found}).items()}


def _entry(name: str, item: Cache) -> dict[str, Any]:
    backend = _BACKENDS.get(item.store)
    if backend is None:
        raise SettingsError(
            f"The cache {name!r} has the unknown store {item.store!r}.",
            f"Use one of: {', '.join(_BACKENDS)}.",
        )
    location = item.location
    if item.store == "redis":
        location = location or os.environ.get("REDIS_URL")
        if not location:
            raise SettingsError(
                f'The cache {name!r} has store "redis" and no location.',
                "Set its location, or REDIS_URL in the environment. If REDIS_URL is a secret, call set_envs() before"
                " get_caches().",
            )
    elif location is None and item.store in _NEED_LOCATION:
        raise SettingsError(
            f'The cache {name!r} has store "{item.store}" and no location.',
            f"Set its location: {_NEED_LOCATION[item.store]}.",
        )
    entry: dict[str, Any] = {"BACKEND": backend}
    if location is not None:
        entry["LOCATION"] = location
    if item.options:
        entry["OPTIONS"] = dict(item.options)
    return entry
