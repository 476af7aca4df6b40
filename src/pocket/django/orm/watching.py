"""Detects writes to the tables of watched models, and shows them to other processes as versions in Django's cache.

Every write is a statement on a connection of this process: `save()`, `delete()`, many-to-many changes,
`bulk_create()`, `update()`, raw SQL. So statements are watched, not signals, which half of these do not send. A write
counts once its transaction is committed.

Needs no FastAPI: a process that only writes calls `watch()`, best in its AppConfig's `ready()`.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.core.cache import caches
from django.db import connections, transaction
from django.db.backends.signals import connection_created

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from django.db.models import Model

VERSION_KEY = "pocket.fastapi:version:{}"
"""The cache's key for a table's version; a changed value means that the table was written."""

_STATEMENT = re.compile(r"\s*(?:/\*.*?\*/\s*)?(\w+)", re.DOTALL)
_WRITING = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_READING = frozenset(
    {"SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "SET", "SHOW", "PRAGMA", "EXPLAIN"}
)

_tables: set[str] = set()
_listeners: list[Callable[[str], None]] = []
_lock = threading.Lock()


def tables_of(model: type[Model]) -> tuple[str, ...]:
    """The tables whose rows make up `model`'s objects: its own, its parents', those of its many-to-many relations."""
    meta = model._meta
    through: list[Any] = [field.remote_field.through for field in meta.many_to_many]
    relations: list[Any] = meta.related_objects  # type: ignore[assignment]
    through += [relation.through for relation in relations if relation.many_to_many]
    owners = [model, *meta.all_parents, *(item for item in through if item._meta.auto_created)]
    return tuple(dict.fromkeys(owner._meta.db_table for owner in owners))


def watch(*models: type[Model]) -> None:
    """Changes the version of each of `models` in Django's cache whenever this process writes it."""
    with _lock:
        _tables.update(table for model in models for table in tables_of(model))
    connection_created.connect(_attach, dispatch_uid="pocket.django.orm.watching")
    for connection in connections.all(initialized_only=True):
        _attach(sender=None, connection=connection)


def listen(listener: Callable[[str], None]) -> None:
    """Calls `listener` with each watched table that this process has written and committed, in the writing thread."""
    _listeners.append(listener)


def versions(tables: Iterable[str], cache: str = "default") -> Mapping[str, Any]:
    """The versions of `tables` in the cache; a table that was never written has no version."""
    return caches[cache].get_many([VERSION_KEY.format(table) for table in tables])


def changed(tables: Iterable[str], cache: str = "default") -> None:
    """Gives `tables` new versions, and calls this process's listeners."""
    names = list(tables)
    for table in names:
        for listener in _listeners:
            listener(table)
    caches[cache].set_many({VERSION_KEY.format(table): uuid4().hex for table in names}, None)


def _attach(*, connection: Any, **_: Any) -> None:
    if _observe not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _observe)  # before wrappers that are removed again, which are the last


def _observe(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
    result = execute(sql, params, many, context)
    text = sql if isinstance(sql, str) else str(sql)
    if text.startswith("SELECT"):
        return result
    written = [] if _reads(text) else [table for table in _tables if table in text]
    if written:
        _when_committed(lambda: changed(written), context["connection"].alias)
    return result


def _reads(sql: str) -> bool:
    first = _STATEMENT.match(sql)
    word = first[1].upper() if first else ""
    return word in _READING or (word == "WITH" and _WRITING.search(sql) is None)


def _when_committed(callback: Callable[[], None], alias: str) -> None:
    connection = transaction.get_connection(alias)
    if connection.get_autocommit() or connection.in_atomic_block:
        transaction.on_commit(callback, using=alias, robust=True)
    else:
        callback()
