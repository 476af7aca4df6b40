"""Entries of pocket.toml without effect: secrets that nothing reads, settings that Django does not have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.core.checks import Warning as CheckWarning

from pocket.django.checks import deployment, source_tree
from pocket.django.configuration import caches, source
from pocket.errors import PocketError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

    from pocket.django.checks.deployment import Deployment

_WHOLESALE = re.compile(
    r"pydantic_settings|BaseSettings|\.prefixed\(|os\.environ\.items\(|\*\*os\.environ|dict\(os\.environ"
)
"""Ways to read the environment without the variable's full name."""

_READERS = {
    "DATABASE_URL": re.compile(r"\.db(?:_url)?\(|dj_database_url"),
    "CACHE_URL": re.compile(r"\.cache(?:_url)?\("),
    "EMAIL_URL": re.compile(r"\.email(?:_url)?\("),
    "SEARCH_URL": re.compile(r"\.search_url\("),
    "CHANNELS_URL": re.compile(r"\.channels(?:_url)?\("),
}
"""Calls of django-environ and dj-database-url that read a variable without naming it."""


_GET_DATABASES = re.compile(r"\bget_databases\(")

_READ_BY_OTHERS = re.compile(r"(DJANGO|AWS|PYTHON)_?\w+|PG[A-Z]+|MYSQL_\w+|(HTTPS?|ALL|NO)_PROXY|LD_\w+|LC_\w+|LANG|TZ")
"""Variables that Django, database drivers, Python or AWS's SDK read by themselves."""


def secrets(**_: Any) -> Iterator[CheckMessage]:
    """Each variable of a secret of the project's that no source mentions; those of `POCKET_` are Pocket's own."""
    found = deployment.current()
    if found is None:
        return
    own = [item.name for item in found.stage.secrets if not item.name.startswith("POCKET_")]
    unread = {name for name in own if not _READ_BY_OTHERS.fullmatch(name)}
    if any(cache.store == "redis" and cache.location is None for cache in found.stage.django.caches.values()):
        unread.discard("REDIS_URL")
    database = found.stage.database
    if database is not None and source_tree.mentions(_GET_DATABASES):
        unread.discard(database.variable)
    if not unread or source_tree.mentions(_WHOLESALE):
        return
    unread = {name for name in unread if not source_tree.mentions(_reading(name))}
    for name in sorted(unread & _unknown_to_packages(unread)):
        yield CheckWarning(
            f"The secret {name} is declared, but nothing reads it.",
            hint="Read it from the environment after set_envs(), or remove it from [awscontainer.secretsmanager]: each"
            " cold start fetches it, and the role may read it.",
            obj=name,
            id="pocket.W001",
        )


def _reading(name: str) -> re.Pattern[str]:
    reader = _READERS.get(name)
    return re.compile(rf"\b{re.escape(name)}\b" + (f"|{reader.pattern}" if reader else ""))


def _unknown_to_packages(names: set[str]) -> set[str]:
    """Those that no installed package has in quotation marks: a library may read its own variable."""
    left = set(names)
    for path in source_tree.packages() if left else ():
        try:
            content = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        left -= {name for name in left if f'"{name}"' in content or f"'{name}'" in content}
        if not left:
            break
    return left


def settings(**_: Any) -> Iterator[CheckMessage]:
    """Each entry of the tables `settings`, `storages` and `caches` that Django's settings do not have."""
    try:
        tables = source.tables()[0]
    except PocketError:
        return
    found = deployment.current()
    table = f"[{'awscontainer.django' if found else 'general.django_fallback'}"
    for name, value in tables.settings.items():
        if getattr(django_settings, name, None) != value and not _used_otherwise(name):
            yield _untaken(f"{table}.settings]", name, f"{name} has another value", "get_django_settings()")
    for kind, helper in (("storages", "get_storages()"), ("caches", "get_caches()")):
        for alias in getattr(tables, kind):
            if not _arrived(found, kind, alias):
                name = f"{kind.upper()}[{alias!r}]"
                yield _untaken(f"{table}.{kind}]", alias, f"{name} is something else", helper)


def _untaken(table: str, name: str, instead: str, helper: str) -> CheckMessage:
    return CheckWarning(
        f"{name} of {table} has no effect: {instead} in the settings.",
        hint=f"Use {helper} at the end of the settings module, or remove the entry from pocket.toml.",
        obj=name,
        id="pocket.W002",
    )


def _used_otherwise(name: str) -> bool:
    """Whether the project reads the single value from what `get_django_settings()` returns."""
    return source_tree.mentions(re.compile(rf"""(\[|get\(|pop\()\s*["']{name}["']"""))


def _arrived(found: Deployment | None, kind: str, alias: str) -> bool:
    from pocket.django import utils

    used = getattr(django_settings, kind.upper(), {}).get(alias, {})
    try:
        given = utils.get_storages() if kind == "storages" else caches.caches(source.tables()[0])
    except PocketError:
        return True
    return bool(used.get("BACKEND") == given[alias]["BACKEND"])
