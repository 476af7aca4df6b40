"""Databases, caches and brokers that are beside the process on a laptop, and nowhere in a function."""

from __future__ import annotations

from typing import Any

import pytest
from checking import Site

from pocket.django.checks import hosts

CACHE = "django.core.cache.backends.redis.RedisCache"
POSTGRES = "django.db.backends.postgresql"


def found(site: Site, *, databases: dict[str, Any] | None = None, **settings: Any) -> list[tuple[str | None, Any]]:
    # Overriding DATABASES the usual way warns.
    site.monkeypatch.setattr("django.conf.settings.DATABASES", databases or {})
    return [(item.id, item.obj) for item in site.found(hosts.addresses, **settings)]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "db", "postgres", "", "/var/run/postgresql"])
def test_a_database_beside_the_process(site: Site, host: str) -> None:
    entry = {"ENGINE": POSTGRES, "HOST": host}
    assert found(site, databases={"default": entry}) == [("pocket.E024", "DATABASES['default']")]


@pytest.mark.parametrize(
    "entry",
    [
        {"ENGINE": POSTGRES, "HOST": "db.example.com"},
        {"ENGINE": POSTGRES, "HOST": "10.0.0.8"},
        {"ENGINE": POSTGRES, "HOST": "2001:db8::1"},
        {"ENGINE": POSTGRES, "OPTIONS": {"service": "main"}},
        {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        {"ENGINE": "django.db.backends.oracle", "NAME": "dbhost.example.com:1521/service"},
        {"ENGINE": "elsewhere.backend"},
    ],
)
def test_a_database_that_a_function_may_reach(site: Site, entry: dict[str, Any]) -> None:
    assert found(site, databases={"default": entry}) == []


@pytest.mark.parametrize(
    ("location", "near"),
    [
        ("redis://localhost:6379/0", True),
        ("redis://:secret@redis/1", True),
        (["redis://cache.example.com", "redis://127.0.0.1"], True),
        ("memcached:11211", True),
        ("redis://cache.example.com:6379", False),
        ("redis://placeholder.invalid:6379/0", False),
        ("table", False),
        ("/tmp/cache", False),
    ],
)
def test_a_cache_beside_the_process(site: Site, location: Any, near: bool) -> None:
    expected = [("pocket.E032", "CACHES['default']")] if near else []
    assert found(site, CACHES={"default": {"BACKEND": CACHE, "LOCATION": location}}) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CELERY_BROKER_URL", "amqp://guest@rabbitmq:5672//"),
        ("CHANNEL_LAYERS", {"default": {"BACKEND": "x", "CONFIG": {"hosts": [("localhost", 6379)]}}}),
        ("CHANNEL_LAYERS", {"default": {"BACKEND": "x", "CONFIG": {"hosts": ["redis://redis:6379"]}}}),
        ("RQ_QUEUES", {"default": {"HOST": "localhost", "PORT": 6379}}),
    ],
)
def test_a_broker_beside_the_process(site: Site, name: str, value: Any) -> None:
    assert found(site, **{name: value}) == [("pocket.W055", name)]


def test_in_a_rehearsal_this_machine_is_the_right_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert found(site, databases={"default": {"ENGINE": POSTGRES, "HOST": "localhost"}}) == []
