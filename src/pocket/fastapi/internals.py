"""Every undocumented name of another library that this room uses: its purpose, and what happens without it.

No other module uses these names; a test checks that. `check()` runs when the room is imported, and raises SetupFailed
without a name that decides what an endpoint does; without any other, the room uses the documented way.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, MutableMapping
from concurrent.futures import Executor
from contextlib import suppress
from functools import lru_cache
from typing import Any

from asgiref.sync import AsyncToSync
from django.db import models, transaction
from django.db.models import query_utils
from django.db.models.expressions import DatabaseDefault
from django.db.models.fields import NOT_PROVIDED
from django.middleware.csrf import CsrfViewMiddleware
from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import APIRoute

from pocket.django.configuration.errors import SetupFailed

NAMES = {
    "_non_atomic_requests": "The databases for which Django's decorator excludes a view from transactions. Needed.",
    "dependant": "A route's dependencies, for its documented responses and for checks. Needed.",
    "effective_route_contexts": "Included routes, for checks; an earlier FastAPI copies them instead.",
    "loop_thread_executors": "Where Django's asynchronous ORM runs: asgiref's public context, entered for each request,"
    " costs a twentieth of a small one. Needed.",
    "_reject": "The reason of Django's CSRF check; without it, Django's own page refuses.",
    "DeferredAttribute": "It reads a column of an object, and nothing else; without it no rows go straight to JSON.",
    "_lookup_joins": "With `get_initial_alias` and the other parts of a query in `_SETTABLE`: rows go straight to JSON"
    " if only those of filters, order and slice are set. With any other, also a later Django's, FastAPI serializes.",
    "DefaultPlaceholder": "Whether a route has a response class of its own. Needed.",
    "NOT_PROVIDED": "Whether the database has a default for a column, which makes a field optional. Needed.",
    "DatabaseDefault": "The value of such a column before it is saved, which is not one to validate. Needed.",
    "endpoint_line": "Where FastAPI says that an endpoint is; without it, an error names Pocket's wrapper.",
    "_prefetch_related_lookups": "Relations that a manager prefetches; without it, a check warns too often.",
}
"""Each name, its purpose, and what happens without it."""


def check() -> None:
    """Raises SetupFailed if a needed name is not as expected."""
    try:
        route = APIRoute("/", lambda: None)
        as_expected = not list(dependencies(route)) and not needs_query(route)
        as_expected = as_expected and isinstance(AsyncToSync.loop_thread_executors, MutableMapping)
        as_expected = as_expected and exempt_databases(transaction.non_atomic_requests(lambda: None)) == {"default"}
    except AttributeError:
        as_expected = False
    if not as_expected:
        raise SetupFailed(
            "FastAPI's APIRoute.dependant, Django's mark of non_atomic_requests, or asgiref's executors have changed.",
            "Install an earlier version of the library that is new, and report the version that does not work.",
        )


def serve(loop: Any, executor: Executor) -> None:
    """Makes asgiref run thread-sensitive code of `loop`, such as Django's asynchronous ORM, in `executor`."""
    AsyncToSync.loop_thread_executors[loop] = executor  # type: ignore[assignment]  # one that gives futures of the loop


def exempt_databases(endpoint: Any) -> set[str]:
    """The databases for which `transaction.non_atomic_requests` excludes `endpoint` from transactions."""
    found: set[str] = getattr(endpoint, "_non_atomic_requests", set())
    return found


def dependencies(route: Any) -> Iterator[Any]:
    """The callables that a route depends on, those of dependencies included."""
    pending = list(route.dependant.dependencies)
    while pending:
        dependency = pending.pop(0)
        yield dependency.call
        pending[:0] = dependency.dependencies


def needs_query(route: Any) -> bool:
    """Whether a request to `route` needs parameters in its query."""
    return any(field.field_info.is_required() for field in route.dependant.query_params)


def api_routes(found: Iterable[Any]) -> Iterator[Any]:
    """The API's routes among `found`, those of included routers with what including them adds."""
    for route in found:
        contexts = getattr(route, "effective_route_contexts", None)
        if isinstance(route, APIRoute):
            yield route
        elif contexts is not None:
            yield from (context for context in contexts() if context.dependant is not None)


class CsrfCheck(CsrfViewMiddleware):
    """Django's CSRF check, whose `process_view` returns the reason rather than a page, None where there is none."""

    def _reject(self, request: Any, reason: str) -> Any:
        return reason


def is_column(model: Any, attribute: str) -> bool:
    """Whether reading the attribute of an object gives the column as the database gave it."""
    kind: Any = getattr(query_utils, "DeferredAttribute", ())
    return isinstance(inspect.getattr_static(model, attribute, None), kind)


def has_own_class(route: Any) -> bool:
    """Whether the route names a response class, or an application or router does for it."""
    return not isinstance(route.response_class, DefaultPlaceholder)


def has_database_default(field: Any) -> bool:
    """Whether the database gives the field's column a value where none is sent."""
    return field.db_default is not NOT_PROVIDED


def unless_default(value: Any, handler: Any) -> Any:
    """Passes what stands for the database's default to the Django model."""
    return value if isinstance(value, DatabaseDefault) else handler(value)


def locate(error: Any, function: Any, name: str) -> None:
    """Names the project's function in `error` instead of its wrapper, which FastAPI found."""
    with suppress(OSError, TypeError):
        error.endpoint_line = inspect.getsourcelines(function)[1]
        error.endpoint_file, error.endpoint_function = inspect.getsourcefile(function), name


def prefetches(queryset: Any) -> bool:
    """Whether `queryset` loads relations."""
    return bool(queryset.query.select_related or getattr(queryset, "_prefetch_related_lookups", ()))


_SETTABLE = frozenset(
    {
        *("where", "order_by", "low_mark", "high_mark", "standard_ordering", "_lookup_joins", "subq_aliases"),
        *("alias_map", "alias_refcount", "table_map", "used_aliases", "base_table"),
    }
)
"""The parts of a query that filters, ordering and slices set, and the tables that they join."""

_MISSING = object()
_PROPERTIES = {name for name, value in vars(models.QuerySet).items() if isinstance(value, property)}


def is_simple(queryset: models.QuerySet[Any]) -> bool:
    """Whether `queryset` selects its model's own rows, each once, and differs from one of all of them in nothing but
    filters, ordering and a slice."""
    model: Any = queryset.model
    query, usual = queryset.query, _all_of(model)
    own, every, usual_query = vars(queryset), vars(usual), usual.query
    if own.keys() != every.keys() or not _is_djangos(type(queryset)):
        return False
    for key, value in own.items():
        if value is not query and value != every[key]:
            return False
    for key, value in vars(query).items():
        if key not in _SETTABLE and value != getattr(usual_query, key, _MISSING):
            return False
    return True


def values_of(queryset: Any, columns: tuple[str, ...]) -> Any:
    """`queryset.values_list(*columns)` of a simple one; Django would resolve the names again for each."""
    selection = _selection_of(queryset.model, columns)
    if selection is None:
        return queryset.values_list(*columns)
    chosen = queryset.all()
    vars(chosen).update(selection[0])
    vars(chosen.query).update(selection[1])
    chosen.query.get_initial_alias()
    return chosen


@lru_cache(maxsize=1024)
def _selection_of(model: Any, columns: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What asking for columns sets in a queryset and in its query; None where it joins tables."""
    usual, found = _all_of(model), _all_of(model).values_list(*columns)
    tables = getattr(found.query, "alias_refcount", None)
    if tables is None or {alias for alias, uses in tables.items() if uses} - {model._meta.db_table}:
        return None
    in_query = _differences(found.query, usual.query)
    in_queryset = {key: value for key, value in _differences(found, usual).items() if value is not found.query}
    return in_queryset, {key: in_query[key] for key in in_query.keys() - _SETTABLE}


def _differences(of: Any, usual: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(of).items() if value != getattr(usual, key, _MISSING)}


@lru_cache(maxsize=1024)
def _all_of(model: Any) -> models.QuerySet[Any]:
    return models.QuerySet(model)


@lru_cache(maxsize=1024)
def _is_djangos(kind: Any) -> bool:
    """Whether a class of querysets redefines nothing that Django's own has, but adds to it at most."""
    usual: Any = models.QuerySet
    overridden = {name for owner in kind.__mro__[: kind.__mro__.index(usual)] for name in vars(owner)} & {*dir(usual)}
    return not any(callable(getattr(usual, name)) or name in _PROPERTIES for name in overridden)


check()
