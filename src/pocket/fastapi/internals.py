"""Every undocumented name of another library that this room uses: what for, and what happens where it has changed.

Nothing outside of this module says these names, which a test holds. They are looked at when the room is imported: one
that decides what an endpoint does stops the start; without one that only makes something faster, or a report better,
the usual way is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from inspect import getattr_static
from types import CodeType
from typing import Any, NamedTuple

from django.db import models, transaction
from django.db.models import query_utils
from django.db.models.fields import related_descriptors
from django.middleware.csrf import CsrfViewMiddleware
from fastapi.routing import APIRoute

from pocket.fastapi.faults import SetupFailed


class Name(NamedTuple):
    """An undocumented name; `there` tells whether it is as expected, `needed` whether Pocket stops without it."""

    name: str
    needed: bool
    why: str
    there: Callable[[], bool]


def _route() -> Any:
    return APIRoute("/", lambda: None)


NAMES = (
    Name(
        *(
            "_non_atomic_requests",
            True,
            "What Django's decorator notes on a view: its databases without ATOMIC_REQUESTS.",
        ),
        lambda: exempt_databases(transaction.non_atomic_requests(lambda: None)) == {"default"},
    ),
    Name(
        *("dependant", True, "A route's dependencies, for the documentation of who may ask, and for checks."),
        lambda: list(dependencies(_route())) == [] and not needs_query(_route()),
    ),
    Name(
        *("effective_route_contexts", False, "Included routes with what including them adds, for checks."),
        lambda: True,
    ),
    Name(
        *("_reject", False, "The reason of Django's CSRF check; where it is gone, a page of Django's refuses as well."),
        lambda: hasattr(CsrfViewMiddleware, "_reject"),
    ),
    Name(
        *("DeferredAttribute", False, "What reads a column, and nothing else, of an object: such may skip the object."),
        lambda: hasattr(query_utils, "DeferredAttribute"),
    ),
    Name(
        *("ForwardManyToOneDescriptor", False, "Who stands in the stack when a relation is read: for N+1 reports."),
        lambda: hasattr(related_descriptors, "ForwardManyToOneDescriptor"),
    ),
    Name(
        *("ReverseOneToOneDescriptor", False, "The same, from the other side."),
        lambda: hasattr(related_descriptors, "ReverseOneToOneDescriptor"),
    ),
    Name(
        *("_hints", False, "The object that a related manager belongs to: for N+1 reports."),
        lambda: hasattr(models.QuerySet(), "_hints"),
    ),
    Name(
        *("_known_related_objects", False, "The relation that a related manager belongs to: for N+1 reports."),
        lambda: hasattr(models.QuerySet(), "_known_related_objects"),
    ),
    Name(
        *("_prefetch_related_lookups", False, "What a manager prefetches by itself: for a check."),
        lambda: hasattr(models.QuerySet(), "_prefetch_related_lookups"),
    ),
    Name(
        *("low_mark", False, "Parts of a query, any other of which keeps its rows from going straight to JSON."),
        lambda: True,
    ),
)


def check() -> None:
    """Raises SetupFailed for a needed name that is not as expected."""
    for item in NAMES:
        try:
            is_there = item.there()
        except Exception:  # noqa: BLE001  (whatever it is, the name is not as expected)
            is_there = False
        if item.needed and not is_there:
            raise SetupFailed(
                f"An internal name that Pocket needs has changed: {item.name}. {item.why}",
                "Install an earlier version of Django or FastAPI, and tell Pocket's maintainers which does not work.",
            )


def exempt_databases(endpoint: Any) -> set[str]:
    """The databases on which `transaction.non_atomic_requests` wants no transaction around `endpoint`."""
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
    """The API's routes among `found`, those of included routers with what including them adds.

    FastAPI copies included routes, or, in later versions, tells of them in another form; that has the same attributes.
    """
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


def is_column(model: type[models.Model], attribute: str) -> bool:
    """Whether reading the attribute of an object gives the column as the database gave it."""
    kind: Any = getattr(query_utils, "DeferredAttribute", None)
    return kind is not None and isinstance(getattr_static(model, attribute, None), kind)


def code_that_reads() -> dict[CodeType, str]:
    """The code that stands in the stack while an attribute of an object queries: forward, reverse or deferred."""
    places = (
        ("forward", related_descriptors, "ForwardManyToOneDescriptor"),
        ("reverse", related_descriptors, "ReverseOneToOneDescriptor"),
        ("deferred", query_utils, "DeferredAttribute"),
    )
    found = ((kind, getattr(module, name, None)) for kind, module, name in places)
    return {owner.__get__.__code__: kind for kind, owner in found if owner is not None}


def manager_of(queryset: Any) -> tuple[Any, Any]:
    """The object whose related manager made `queryset`, None for another manager's, and the fields that it filters."""
    return getattr(queryset, "_hints", {}).get("instance"), getattr(queryset, "_known_related_objects", {})


def prefetches(queryset: Any) -> bool:
    """Whether `queryset` loads relations."""
    return bool(queryset.query.select_related or getattr(queryset, "_prefetch_related_lookups", ()))


_SETTABLE = frozenset(
    {
        *("where", "order_by", "low_mark", "high_mark", "standard_ordering"),
        *("alias_map", "alias_refcount", "table_map", "used_aliases", "base_table", "_lookup_joins", "subq_aliases"),
    }
)
"""The parts of a query that filters, ordering and slices set, and the tables that they join."""


def is_simple(queryset: models.QuerySet[Any]) -> bool:
    """Whether `queryset` selects its model's own rows, each once, and differs from one of all of them in nothing but
    filters, ordering and a slice: whatever else is set on it, or in a later Django can be, the answer is no."""
    model: Any = queryset.model
    plain = vars(_all_of(model))
    own = vars(queryset)
    if own.keys() != plain.keys() or not _is_djangos(type(queryset)):
        return False
    usual = _all_of(model).query
    if any(value != plain[key] and value is not queryset.query for key, value in own.items()):
        return False
    return all(
        key in _SETTABLE or value == getattr(usual, key, _MISSING) for key, value in vars(queryset.query).items()
    )


_MISSING = object()


@lru_cache(maxsize=1024)
def _all_of(model: Any) -> models.QuerySet[Any]:
    return models.QuerySet(model)


@lru_cache(maxsize=1024)
def _is_djangos(kind: Any) -> bool:
    """Whether a class of querysets redefines nothing that Django's own has, but adds to it at most."""
    usual = set(dir(models.QuerySet)) - {"__module__", "__doc__", "__dict__", "__weakref__", "__parameters__"}
    classes = kind.__mro__[: kind.__mro__.index(models.QuerySet)]
    return not any(vars(owner).keys() & usual for owner in classes)


check()
