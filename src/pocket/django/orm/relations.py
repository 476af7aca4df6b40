"""Finds, in development, repeated queries for the same relation of different objects, and logs a hint.

Django's request log shows a hundred queries, but not the attribute that caused them. The cause is in the stack while
the query runs: a descriptor of a relation, or a queryset of a related manager.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.models import Field, query_utils
from django.db.models.fields import related_descriptors
from django.db.models.query import QuerySet

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

logger = logging.getLogger("pocket.fastapi")

ENOUGH = 2
"""Queries for the same relation, of different objects, from which a report is logged."""

# Django has no public way to find the cause of a query. These are its own names; one that is gone is not reported.
_READS = {
    getattr(module, name).__get__.__code__: kind
    for kind, module, name in (
        ("forward", related_descriptors, "ForwardManyToOneDescriptor"),
        ("reverse", related_descriptors, "ReverseOneToOneDescriptor"),
        ("deferred", query_utils, "DeferredAttribute"),
    )
    if hasattr(module, name)
}
_QUERYSET_FILE = QuerySet.__iter__.__code__.co_filename

Cause = tuple[str, str]
"""The attribute, as `Model.attribute`, and its hint."""


class Probe:
    """Watches the queries of one thread between `attach` and `detach`; `title` names the request in the log."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.causes: Counter[Cause] = Counter()
        self._stack = ExitStack()

    def attach(self) -> None:
        """Begins to watch the thread's connections."""
        for alias in connections:
            self._stack.enter_context(connections[alias].execute_wrapper(self._watch))

    def detach(self) -> None:
        """Ends watching, and logs the repeated queries."""
        self._stack.close()
        for (attribute, hint), number in self.causes.items():
            if number >= ENOUGH:
                logger.warning("%s: %d queries for %s, one for each object: %s", self.title, number, attribute, hint)

    def _watch(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        cause = _cause(sys._getframe(1))
        if cause is not None:
            self.causes[cause] += 1
        return execute(sql, params, many, context)


def _cause(frame: FrameType | None) -> Cause | None:
    """The innermost relation whose reading led to this frame."""
    while frame is not None:
        code = frame.f_code
        kind = _READS.get(code)
        if kind is not None:
            return _of_descriptor(kind, frame.f_locals["self"])
        if code.co_filename == _QUERYSET_FILE:
            cause = _of_manager(frame.f_locals.get("self"))
            if cause is not None:
                return cause
        frame = frame.f_back
    return None


def _of_descriptor(kind: str, descriptor: Any) -> Cause:
    if kind == "reverse":
        related = descriptor.related
        name = related.get_accessor_name()
        return f"{related.model.__name__}.{name}", f'add .select_related("{name}") to the query.'
    field = descriptor.field
    if kind == "forward":
        return f"{field.model.__name__}.{field.name}", f'add .select_related("{field.name}") to the query.'
    name = field.attname
    return (
        f"{field.model.__name__}.{name}",
        f'the query leaves it out: name "{name}" in its only(), or take it out of its defer().',
    )


def _of_manager(queryset: Any) -> Cause | None:
    """The relation of a queryset of a related manager, which has the object that it belongs to."""
    if not isinstance(queryset, QuerySet):
        return None
    instance = getattr(queryset, "_hints", {}).get("instance")
    known_relations = getattr(queryset, "_known_related_objects", {})
    if instance is None:
        return None
    for relation in instance._meta.get_fields(include_hidden=False):
        if relation.related_model is queryset.model and (relation.one_to_many or relation.many_to_many):
            name = relation.name if isinstance(relation, Field) else relation.get_accessor_name()
            known = relation.field in known_relations if relation.one_to_many else True
            if known:
                return f"{type(instance).__name__}.{name}", f'add .prefetch_related("{name}") to the query.'
    return None
