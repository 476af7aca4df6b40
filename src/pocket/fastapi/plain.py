"""Plain data from what a function returns: lazy objects of Django evaluated, so that nothing queries later.

A queryset becomes the list of dictionaries that its `values()` gives, a model instance the same dictionary. Where that
would need a query, it must be done where queries are allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import GeneratorType
from typing import Any

from django.db.models import Manager, Model, QuerySet
from django.db.models.fields.files import FieldFile
from django.db.models.query import RawQuerySet
from django.utils.functional import LazyObject, Promise

from pocket.errors import PocketError

_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})
_SEQUENCES = (list, tuple, set, frozenset)
_LAZY = (QuerySet, RawQuerySet, Model, Manager, FieldFile, GeneratorType, LazyObject, Promise)


class LazyObjectRefused(PocketError, TypeError):
    """A function returned something that would query later and that nobody can evaluate without a guess."""


def is_lazy(value: Any) -> bool:
    """Whether `value` is or holds an object of Django, or a generator, which may query when it is read."""
    kind = type(value)
    if kind in _SCALARS:
        return False
    if isinstance(value, Mapping):
        return any(map(is_lazy, value.values()))
    if isinstance(value, _SEQUENCES):
        return any(map(is_lazy, value))
    return isinstance(value, _LAZY)


def plain(value: Any, where: str = "the value") -> Any:
    """`value` with every lazy object in it evaluated; what is not lazy is returned as it is.

    `where` names the value in LazyObjectRefused, which a manager causes: which of its objects are meant?
    """
    kind = type(value)
    if kind in _SCALARS:
        return value
    if isinstance(value, Mapping):
        return {key: plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, _SEQUENCES) and not hasattr(value, "_fields"):
        return kind(plain(item, f"{where}[{place}]") for place, item in enumerate(value))
    if isinstance(value, _SEQUENCES):
        return kind(*(plain(item, f"{where}[{place}]") for place, item in enumerate(value)))
    return _evaluated(value, where) if isinstance(value, _LAZY) else value


def _evaluated(value: Any, where: str) -> Any:
    if isinstance(value, QuerySet | RawQuerySet | GeneratorType):
        return [plain(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, Model):
        return row(value)
    if isinstance(value, FieldFile):
        return value.name
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Manager):
        owner = getattr(value, "instance", None) or value.model
        raise LazyObjectRefused(
            f"{where} is a manager of {value.model.__name__} (of {owner!r}), which is no data.",
            "Return a queryset of it: `.all()`, or a narrower one.",
        )
    value = value.__reduce__()[1][0] if isinstance(value, LazyObject) else value
    return plain(value, where)


def row(instance: Model) -> dict[str, Any]:
    """What `values()` would give for `instance`: each column, a relation as its id, a file as its name."""
    return {field.attname: plain(getattr(instance, field.attname)) for field in instance._meta.concrete_fields}
