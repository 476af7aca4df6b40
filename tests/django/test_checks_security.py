"""Debug pages, hosts, origins, proxies' headers, and caches that each environment has for itself."""

from __future__ import annotations

from typing import Any

import pytest
from checking import SITE, Site
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning

from pocket.django.checks import caches, security

LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
SHARED = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
SHARE = 'Use a cache that all environments share: store = "redis" or "database" in [awscontainer.django.caches].'


def test_debug_is_for_laptops(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Error(
        "DEBUG is on in a deployed stage. Error pages show settings and source to anyone, and every query is kept"
        " in memory.",
        hint="Set DEBUG = False where POCKET_STAGE is set.",
        obj="DEBUG",
        id="pocket.E044",
    )
    assert site.found(security.debug, DEBUG=True) == [expected]
    assert site.found(security.debug, DEBUG=False) == []
    monkeypatch.delenv("POCKET_STAGE")
    assert site.found(security.debug, DEBUG=True) == []


def test_values_of_the_laptops_env_file_are_not_the_stages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write(".env", "DEBUG=on\nALLOWED_HOSTS=localhost\n")
    assert len(site.found(security.debug, DEBUG=True)) == 1, "in a function there is no such file"
    monkeypatch.setenv("POCKET_PLACEHOLDER_SECRETS", "1")
    assert site.found(security.debug, DEBUG=True) == []
    site.write(".env", "DEBUGGER=on\n# DEBUG=on\n")
    assert len(site.found(security.debug, DEBUG=True)) == 1


def lacks_host(host: str) -> Error:
    return Error(
        f"ALLOWED_HOSTS lacks {host}, an address of the stage: every request to it gets a 400 response.",
        hint='Read it from the environment after set_envs(): ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS",'
        ' "").split(",").',
        obj="ALLOWED_HOSTS",
        id="pocket.E041",
    )


def test_every_host_of_the_stage_is_allowed(site: Site) -> None:
    site.deploy(SITE, POCKET_HOSTS="a.example.com,b.example.com:8001")
    none: list[str] = []
    found = site.found(security.addresses, ALLOWED_HOSTS=none)
    assert found == [lacks_host("a.example.com"), lacks_host("b.example.com")]
    assert site.found(security.addresses, ALLOWED_HOSTS=["a.example.com"]) == [lacks_host("b.example.com")]
    assert site.found(security.addresses, ALLOWED_HOSTS=[".example.com"]) == []


def test_hosts_that_are_not_known_are_not_required(site: Site) -> None:
    none: list[str] = []
    assert site.found(security.addresses, ALLOWED_HOSTS=none) == []


def test_forms_of_every_address_are_trusted(site: Site) -> None:
    site.deploy(SITE, POCKET_WEB_ENDPOINT="https://shop.example.com")
    expected = CheckWarning(
        "CSRF_TRUSTED_ORIGINS lacks https://shop.example.com, an address of the stage. If a proxy in front of it"
        " changes the Host header, every form gets a 403 response.",
        hint="Read it from the environment after set_envs(): CSRF_TRUSTED_ORIGINS ="
        ' os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",").',
        obj="CSRF_TRUSTED_ORIGINS",
        id="pocket.W042",
    )

    def found(*origins: str, **settings: Any) -> list[Any]:
        return site.found(security.addresses, CSRF_TRUSTED_ORIGINS=list(origins), **settings)

    assert found() == found("http://shop.example.com") == found("https://*.example.org") == [expected]
    assert found("https://shop.example.com") == found("https://*.example.com") == []
    assert found(MIDDLEWARE=[]) == [], "nothing checks tokens"


def believes(name: str, header: str) -> CheckWarning:
    return CheckWarning(
        f"{name} trusts the header {header}, which API Gateway and function URLs pass on as the client sent it.",
        hint=f"Remove {name}, or set the number of your own proxies in front, each of which writes the header:"
        " POCKET_TRUSTED_PROXIES = 1.",
        obj=name,
        id="pocket.W043",
    )


def test_headers_that_anyone_can_write_are_not_trusted(site: Site) -> None:
    assert site.found(security.proxies, USE_X_FORWARDED_HOST=True, USE_X_FORWARDED_PORT=True) == [
        believes("USE_X_FORWARDED_HOST", "X-Forwarded-Host"),
        believes("USE_X_FORWARDED_PORT", "X-Forwarded-Port"),
    ]
    secure = ("HTTP_CLOUDFRONT_FORWARDED_PROTO", "https")
    assert site.found(security.proxies, SECURE_PROXY_SSL_HEADER=secure) == [
        believes("SECURE_PROXY_SSL_HEADER", "Cloudfront-Forwarded-Proto")
    ]
    assert site.found(security.proxies) == []
    assert site.found(security.proxies, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")) == []
    assert site.found(security.proxies, USE_X_FORWARDED_HOST=True, POCKET_TRUSTED_PROXIES=1) == []


@pytest.mark.parametrize("engine", ["cache", "cached_db"])
def test_sessions_are_one_for_all_environments(site: Site, engine: str) -> None:
    settings = {"SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}"}
    assert site.found(caches.local_memory, **settings, CACHES={"default": LOCAL}) == [
        Error(
            "Sessions are stored in the cache 'default', which is local to one environment. The next request may"
            " reach another environment, which does not know the user.",
            hint=SHARE,
            obj="SESSION_ENGINE",
            id="pocket.E030",
        )
    ]
    assert site.found(caches.local_memory, **settings, CACHES={"default": SHARED}) == []
    assert site.found(caches.local_memory, **settings, CACHES={"default": LOCAL}, MIDDLEWARE=[]) == []
    assert site.found(caches.local_memory, CACHES={"default": LOCAL}) == [], "sessions are in the database"


def grants_anew(limiter: str, alias: str) -> CheckWarning:
    return CheckWarning(
        f"{limiter} counts in the cache {alias!r}, which is local to one environment. Each environment allows the"
        " whole limit again.",
        hint=SHARE,
        obj=limiter,
        id="pocket.W031",
    )


def test_rate_limits_count_for_all_environments(site: Site) -> None:
    throttled = {"REST_FRAMEWORK": {"DEFAULT_THROTTLE_CLASSES": ["x.Throttle"]}}
    name = "REST_FRAMEWORK['DEFAULT_THROTTLE_CLASSES']"
    assert site.found(caches.local_memory, **throttled) == [grants_anew(name, "default")]
    assert site.found(caches.local_memory, **throttled, CACHES={"default": SHARED}) == []
    assert site.found(caches.local_memory, REST_FRAMEWORK={"PAGE_SIZE": 10}) == []


def test_rate_limits_of_known_apps(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.INSTALLED_APPS", ["django_ratelimit", "axes"])
    limits = {"default": SHARED, "limits": LOCAL}
    assert site.found(caches.local_memory, CACHES=limits, RATELIMIT_USE_CACHE="limits") == [
        grants_anew("django_ratelimit", "limits")
    ]
    handler = "axes.handlers.cache.AxesCacheHandler"
    found = site.found(caches.local_memory, CACHES=limits, AXES_HANDLER=handler, AXES_CACHE="limits")
    assert found == [grants_anew("AXES_HANDLER", "limits")]
    assert (
        site.found(caches.local_memory, CACHES=limits, AXES_HANDLER="axes.handlers.database.AxesDatabaseHandler") == []
    )


CACHED = "from pocket.fastapi import Router, cached_query\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{CACHED}latest = cached_query(newest, watches=[Topic])\n", 2),
        (f"{CACHED}\nlatest = cached_query(newest, watches=[Topic], ttl=None)\n", 3),
        ("from pocket import fastapi\nlatest = fastapi.cached_query(newest)\n", 2),
        (f"{CACHED}@cached_query(watches=[Topic])\ndef latest(): ...\n", 2),
        (f"{CACHED}latest = cached_query(newest, watches=[Topic], ttl=60)\n", None),
        (f"{CACHED}latest = cached_query(newest, watches=[Topic], cache='shared')\n", None),
        ("from elsewhere import cached_query\nlatest = cached_query(newest)\n", None),
    ],
)
def test_cached_queries_over_local_memory(site: Site, text: str, line: int | None) -> None:
    site.write("gallery_api.py", text)
    found = site.found(caches.results, CACHES={"default": LOCAL, "shared": SHARED})
    expected = [] if line is None else [("pocket.W033", f"gallery_api.py:{line}")]
    assert [(item.id, item.obj) for item in found] == expected
    assert site.found(caches.results, CACHES={"default": SHARED}) == []
