"""CACHES for every store in the reference."""

from __future__ import annotations

import pytest

from pocket.django.configuration.caches import caches
from pocket.django.configuration.errors import SettingsError
from pocket.manifest import Cache, DjangoTables


def made(item: Cache) -> dict[str, object]:
    found: dict[str, object] = caches(DjangoTables(caches={"default": item}))["default"]
    return found


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Cache("locmem"), {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}),
        (Cache("dummy"), {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}),
        (
            Cache("database", "cache_table"),
            {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_table"},
        ),
        (
            Cache("filesystem", "/tmp/cache", {"MAX_ENTRIES": 10}),
            {
                "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                "LOCATION": "/tmp/cache",
                "OPTIONS": {"MAX_ENTRIES": 10},
            },
        ),
        (
            Cache("redis", "redis://cache:6379/1"),
            {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://cache:6379/1"},
        ),
    ],
)
def test_each_store_has_its_backend(item: Cache, expected: dict[str, object]) -> None:
    assert made(item) == expected


def test_redis_location_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://there")
    assert made(Cache("redis"))["LOCATION"] == "redis://there"
    monkeypatch.delenv("REDIS_URL")
    with pytest.raises(SettingsError, match="REDIS_URL"):
        made(Cache("redis"))


@pytest.mark.parametrize("store", ["database", "filesystem"])
def test_error_for_a_missing_location(store: str) -> None:
    with pytest.raises(SettingsError, match="no location"):
        made(Cache(store))


def test_error_for_an_unknown_store_has_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="locmem"):
        made(Cache("memcached"))
