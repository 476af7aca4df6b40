"""Databases in functions: one server for all environments, connections over a freeze, asynchronous views."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning

from pocket import naming
from pocket.django.checks import deployment, source_tree, views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.core.checks import CheckMessage

    from pocket.django.checks.deployment import Deployment

_SMALLEST_POOL = 4
"""psycopg's default of `min_size`, which is also that of `max_size`."""

_SAYS_HEALTH_CHECKS = re.compile(r"conn_health_checks|\bdj_database_url\b|\.dj_db_url\(", re.IGNORECASE)
"""By default, dj-database-url sets CONN_HEALTH_CHECKS to False."""


def configured(databases: Sequence[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """The entries of DATABASES, or those of the given aliases. Opens no connection."""
    found = deployment.current()
    for alias, entry in settings.DATABASES.items() if found else ():
        if databases is not None and alias not in databases:
            continue
        if found is not None and _is_sqlite(entry) and not _may_be_sqlite(found, entry):
            yield Error(
                f"The database {alias!r} uses SQLite in a deployed stage. Each environment has its own file, which is"
                " lost when the environment ends.",
                hint="Use PostgreSQL or MySQL. Declare it in [database].",
                obj=f"DATABASES[{alias!r}]",
                id="pocket.E020",
            )
        if entry.get("CONN_MAX_AGE", 0) != 0 and _refuses_health_checks(entry):
            yield CheckWarning(
                f"The database {alias!r} keeps connections open without checking them. After a freeze, the first query"
                " fails if the server has closed the connection.",
                hint="Set CONN_HEALTH_CHECKS to True, or leave it out: Pocket's handlers turn it on."
                " With dj-database-url, pass conn_health_checks=True.",
                obj=f"DATABASES[{alias!r}]",
                id="pocket.W021",
            )


def _is_sqlite(entry: dict[str, Any]) -> bool:
    return str(entry.get("ENGINE", "")).rpartition(".")[2] in {"sqlite3", "spatialite"}


def _may_be_sqlite(found: Deployment, entry: dict[str, Any]) -> bool:
    """Whether the file is a stand-in, the laptop's or a rehearsal's, or is on a mounted file system."""
    name = str(entry.get("NAME") or "")
    stand_in = found.on_laptop and name in {"", ":memory:"}
    return stand_in or found.of_laptop("DATABASE_URL") or found.rehearsed or name.startswith("/mnt/")


def _refuses_health_checks(entry: dict[str, Any]) -> bool:
    """Whether the project itself sets False, which Django also fills in as the default."""
    return entry.get("CONN_HEALTH_CHECKS") is False and source_tree.mentions(_SAYS_HEALTH_CHECKS)


def atomic_requests(**_: Any) -> Iterator[CheckMessage]:
    """Each asynchronous view that Django refuses to call, since a database has ATOMIC_REQUESTS."""
    if deployment.current() is None:
        return
    atomic = [alias for alias, entry in settings.DATABASES.items() if entry.get("ATOMIC_REQUESTS")]
    for view, name in views.asynchronous() if atomic else ():
        exempt = getattr(view, "_non_atomic_requests", ())
        for alias in (alias for alias in atomic if alias not in exempt):
            yield Error(
                f"{name} is asynchronous, and the database {alias!r} has ATOMIC_REQUESTS: each request raises"
                " RuntimeError.",
                hint="Decorate the view with transaction.non_atomic_requests, or make it synchronous.",
                obj=name,
                id="pocket.E022",
            )


def cache_tables(databases: Sequence[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """Each cache whose table is missing, in the databases that may be queried."""
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
                hint=f"Run pocket manage --stage {found.name} createcachetable.",
                obj=f"CACHES[{alias!r}]",
                id="pocket.W023",
            )


def connections_suffice(databases: Sequence[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    """A database that takes fewer connections than the stage's functions may open, of those that may be queried."""
    from django.db import connections

    found = deployment.current()
    if not databases or found is None or found.on_laptop or found.rehearsed:
        return
    handlers = found.stage.handlers
    # A function without an address or a queue runs commands, one at a time as a rule.
    unlimited = sorted(name for name, item in handlers.items() if item.address and item.concurrency is None)
    environments = sum(item.concurrency or 1 for item in handlers.values())
    for alias in databases:
        host = connections[alias].settings_dict["HOST"]
        if connections[alias].vendor != "postgresql" or naming.is_pooler(host or ""):
            continue
        limit, each = _limit(connections[alias]), _pooled(connections[alias])
        needed = environments * each
        if not unlimited and needed <= limit:
            continue
        opened = f"the functions may open {needed}"
        if unlimited:
            opened = f"nothing limits how many {', '.join(unlimited)} may open, {each} for each request at one time"
        yield CheckWarning(
            f"The database {alias!r} takes {limit} connections, and {opened}.",
            hint="Set reserved_concurrency of the handlers, or put a pooler in front of the database. If one of your"
            " own is there already, silence this check.",
            obj=f"DATABASES[{alias!r}]",
            id="pocket.W025",
        )


def _pooled(connection: Any) -> int:
    """The connections that one process opens: those of psycopg's pool, else one.

    https://www.psycopg.org/psycopg3/docs/api/pool.html
    """
    pool = connection.settings_dict["OPTIONS"].get("pool")
    if not pool:
        return 1
    given = {} if pool is True else pool
    return int(given.get("max_size") or given.get("min_size", _SMALLEST_POOL))


def _limit(connection: Any) -> int:
    """The connections that a PostgreSQL server takes from roles that are no superusers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
            " - coalesce(current_setting('reserved_connections', true), '0')::int"
        )
        return int(cursor.fetchone()[0])
