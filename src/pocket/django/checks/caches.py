"""Caches local to one environment, used for data that all environments must share."""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning

from pocket.django.checks import deployment, source_tree
from pocket.django.checks.disk import is_a
from pocket.django.checks.import_time import dotted, imported_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

_CACHED_SESSIONS = {"django.contrib.sessions.backends.cache", "django.contrib.sessions.backends.cached_db"}
_SHARED = 'Use a cache that all environments share: store = "redis" or "database" in [awscontainer.django.caches].'


def local_memory(**_: Any) -> Iterator[CheckMessage]:
    """Sessions and rate limits in memory."""
    if deployment.current() is None:
        return
    alias = settings.SESSION_CACHE_ALIAS
    sessions = any(path.endswith("SessionMiddleware") for path in settings.MIDDLEWARE)
    if sessions and settings.SESSION_ENGINE in _CACHED_SESSIONS and _is_local(alias):
        yield Error(
            f"Sessions are stored in the cache {alias!r}, which is local to one environment. The next request may"
            " reach another environment, which does not know the user.",
            hint=_SHARED,
            obj="SESSION_ENGINE",
            id="pocket.E030",
        )
    for limiter, alias in _limiters():
        if _is_local(alias):
            yield CheckWarning(
                f"{limiter} counts in the cache {alias!r}, which is local to one environment. Each environment"
                " allows the whole limit again.",
                hint=_SHARED,
                obj=limiter,
                id="pocket.W031",
            )


def results(**_: Any) -> Iterator[CheckMessage]:
    """Each `cached_query` without a `ttl` whose versions are kept in memory."""
    if deployment.current() is None or not any(_is_local(alias) for alias in settings.CACHES):
        return
    for path in source_tree.files():
        if "cached_query" not in source_tree.text(path):
            continue
        for alias, line in _cached_queries(source_tree.tree(path)):
            if _is_local(alias):
                yield CheckWarning(
                    f"cached_query() stores the versions of what it watches in the cache {alias!r}, which is local to"
                    " one environment. Others do not notice a write, and without a ttl their results never expire.",
                    hint=f"{_SHARED} Or pass a ttl, in seconds.",
                    obj=source_tree.Place(path, line),
                    id="pocket.W033",
                )


def _cached_queries(tree: ast.Module | None) -> Iterator[tuple[str, int]]:
    """The cache's alias and the line of each call of `cached_query` that has no `ttl`."""
    if tree is None:
        return
    names = imported_names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or dotted(node.func, names) != "pocket.fastapi.cached_query":
            continue
        given = {keyword.arg: getattr(keyword.value, "value", keyword.value) for keyword in node.keywords}
        alias = given.get("cache", "default")
        if given.get("ttl") is None and isinstance(alias, str):
            yield alias, node.lineno


def _is_local(alias: str) -> bool:
    return is_a(settings.CACHES.get(alias, {}).get("BACKEND"), LocMemCache)


def _limiters() -> Iterator[tuple[str, str]]:
    """The rate limiters of the project, each with the alias of its cache."""
    rest = getattr(settings, "REST_FRAMEWORK", {})
    if rest.get("DEFAULT_THROTTLE_CLASSES"):
        yield "REST_FRAMEWORK['DEFAULT_THROTTLE_CLASSES']", "default"
    if "django_ratelimit" in settings.INSTALLED_APPS or "django_ratelimit.decorators" in sys.modules:
        yield "django_ratelimit", getattr(settings, "RATELIMIT_USE_CACHE", "default")
    if re.search(r"\.cache\.\w+$", getattr(settings, "AXES_HANDLER", "")) and "axes" in settings.INSTALLED_APPS:
        yield "AXES_HANDLER", getattr(settings, "AXES_CACHE", "default")
