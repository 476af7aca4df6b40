"""Caches that each environment has for itself, behind what must be one for all."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning

from pocket.django.checks import deployment, project
from pocket.django.checks.disk import is_a

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

_CACHED_SESSIONS = {"django.contrib.sessions.backends.cache", "django.contrib.sessions.backends.cached_db"}
_CACHED_QUERY = re.compile(
    r"from\s+pocket\.fastapi\s+import\b[^\n]*(?:\([^)]*)?\bcached_query\b|\bfastapi\.cached_query\b"
)
_SHARED = 'Take a cache that all environments share: store = "redis" or "database" in [awscontainer.django.caches].'


def local_memory(**_: Any) -> Iterator[CheckMessage]:
    """Sessions and rate limits in memory."""
    if deployment.current() is None:
        return
    alias = settings.SESSION_CACHE_ALIAS
    sessions = any(path.endswith("SessionMiddleware") for path in settings.MIDDLEWARE)
    if sessions and settings.SESSION_ENGINE in _CACHED_SESSIONS and _is_local(alias):
        yield Error(
            f"Sessions are kept in the cache {alias!r}, which is the memory of one environment: the next request may"
            " meet another, which does not know the user.",
            hint=_SHARED,
            obj="SESSION_ENGINE",
            id="pocket.E030",
        )
    for limiter, alias in _limiters():
        if _is_local(alias):
            yield CheckWarning(
                f"{limiter} counts in the cache {alias!r}, which is the memory of one environment: each environment"
                " grants the whole limit anew.",
                hint=_SHARED,
                obj=limiter,
                id="pocket.W031",
            )


def results(**_: Any) -> Iterator[CheckMessage]:
    """Results of `cached_query` whose versions are kept in memory."""
    if deployment.current() is not None and _is_local("default") and project.mentions(_CACHED_QUERY):
        yield CheckWarning(
            "cached_query() keeps the versions of what it watches in the cache 'default', which is the memory of one"
            " environment: a write is noticed by no other, until the result's ttl is over.",
            hint=_SHARED,
            obj="CACHES['default']",
            id="pocket.W033",
        )


def _is_local(alias: str) -> bool:
    return is_a(settings.CACHES.get(alias, {}).get("BACKEND"), LocMemCache)


def _limiters() -> Iterator[tuple[str, str]]:
    """What limits rates in this project, with the cache that it counts in."""
    rest = getattr(settings, "REST_FRAMEWORK", {})
    if rest.get("DEFAULT_THROTTLE_CLASSES"):
        yield "REST_FRAMEWORK['DEFAULT_THROTTLE_CLASSES']", "default"
    if "django_ratelimit" in settings.INSTALLED_APPS or "django_ratelimit.decorators" in sys.modules:
        yield "django_ratelimit", getattr(settings, "RATELIMIT_USE_CACHE", "default")
    if re.search(r"\.cache\.\w+$", getattr(settings, "AXES_HANDLER", "")) and "axes" in settings.INSTALLED_APPS:
        yield "AXES_HANDLER", getattr(settings, "AXES_CACHE", "default")
