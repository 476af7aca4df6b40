"""Databases as functions use them: one server for all environments, connections that are frozen, views that wait."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning

from pocket.django.checks import deployment, project, views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.core.checks import CheckMessage

    from pocket.django.checks.deployment import Deployment

_SAYS_HEALTH_CHECKS = re.compile(r"conn_health_checks|\bdj_database_url\b|\.dj_db_url\(", re.IGNORECASE)
"""dj-database-url writes a no where it is told nothing."""


def configured(databases: Sequence[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """What DATABASES says, of the aliases given where some are; nothing is connected to."""
    found = deployment.current()
    for alias, entry in settings.DATABASES.items() if found else ():
        if databases is not None and alias not in databases:
            continue
        if found is not None and _is_sqlite(entry) and not _may_be_sqlite(found, entry):
            yield Error(
                f"The database {alias!r} is SQLite in a deployed stage: each environment has a file of its own, which"
                " goes when it goes.",
                hint="Use PostgreSQL or MySQL; DATABASE_URL belongs to [awscontainer.secretsmanager.secrets].",
                obj=f"DATABASES[{alias!r}]",
                id="pocket.E020",
            )
        if entry.get("CONN_MAX_AGE", 0) != 0 and _refuses_health_checks(entry):
            yield CheckWarning(
                f"The database {alias!r} keeps connections open and does not check them: after a freeze the first query"
                " fails where the server has closed its end.",
                hint="Set CONN_HEALTH_CHECKS to True, or leave it out: Pocket's handlers turn it on."
                " dj-database-url takes conn_health_checks=True.",
                obj=f"DATABASES[{alias!r}]",
                id="pocket.W021",
            )


def _is_sqlite(entry: dict[str, Any]) -> bool:
    return str(entry.get("ENGINE", "")).rpartition(".")[2] in {"sqlite3", "spatialite"}


def _may_be_sqlite(found: Deployment, entry: dict[str, Any]) -> bool:
    """Whether the database is not the deployment's: a stand-in, the laptop's, a rehearsal's; or lies on a mount."""
    name = str(entry.get("NAME") or "")
    stand_in = found.on_laptop and name in {"", ":memory:"}
    return stand_in or found.of_laptop("DATABASE_URL") or found.rehearsed or name.startswith("/mnt/")


def _refuses_health_checks(entry: dict[str, Any]) -> bool:
    """Whether the project says no: Django fills in its own no, and Pocket's handlers a yes, where nothing is said."""
    return entry.get("CONN_HEALTH_CHECKS") is False and project.mentions(_SAYS_HEALTH_CHECKS)


def atomic_requests(**_: Any) -> Iterator[CheckMessage]:
    """Each asynchronous view that Django will refuse to call, since a database wants a transaction around it."""
    if deployment.current() is None:
        return
    atomic = [alias for alias, entry in settings.DATABASES.items() if entry.get("ATOMIC_REQUESTS")]
    for view, name in views.asynchronous() if atomic else ():
        exempt = getattr(view, "_non_atomic_requests", ())
        for alias in (alias for alias in atomic if alias not in exempt):
            yield Error(
                f"{name} is asynchronous, and ATOMIC_REQUESTS of the database {alias!r} cannot go around it: each"
                " request raises RuntimeError.",
                hint="Decorate it with transaction.non_atomic_requests, or make it synchronous.",
                obj=name,
                id="pocket.E022",
            )


def cache_tables(databases: Sequence[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """Each cache whose table is not in its database, of the databases that may be asked."""
    from django.core.cache import caches
    from django.core.cache.backends.db import BaseDatabaseCache
    from django.db import connections, router

    found = deployment.current()
    if not databases or found is None or found.on_laptop:
        return
    for alias in settings.CACHES:
        cache: Any = caches[alias]
        if not isinstance(cache, BaseDatabaseCache):
            continue
        database = router.db_for_write(cache.cache_model_class)
        table: str = vars(cache)["_table"]
        if database in databases and table not in connections[database].introspection.table_names():
            yield CheckWarning(
                f"The cache {alias!r} has no table {table!r} in the database {database!r}.",
                hint=f"pocket manage --stage {found.name} createcachetable",
                obj=f"CACHES[{alias!r}]",
                id="pocket.W023",
            )
