"""Plain data from a function's result: Django's lazy objects are evaluated, so that there are no later queries.

A queryset becomes the list of dictionaries of its `values()`, a model instance such a dictionary. If that needs a
query, it must happen where queries are allowed.
"""

from __future__ import annotations

import copy
import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from types import GeneratorType
from typing import Any

from django.db.models import Manager, Model, QuerySet
from django.db.models.fields.files import FieldFile
from django.db.models.query import RawQuerySet
from django.utils.functional import LazyObject, Promise

from pocket.errors import PocketError

_SCALARS = frozenset(
    {
        *(str, int, float, bool, bytes, type(None), Decimal, uuid.UUID),
        *(dt.datetime, dt.date, dt.time, dt.timedelta),
    }
)
_SEQUENCES = (list, tuple, set, frozenset)
_LAZY = (QuerySet, RawQuerySet, Model, Manager, FieldFile, GeneratorType, LazyObject, Promise)


class LazyObjectRefused(PocketError, TypeError):
    """A function returned an object that would query later, and whose meaning as data is not defined."""


def is_lazy(value: Any) -> bool:
    """Whether `value` is or contains a generator or an object of Django that may query when it is read."""
    kind = type(value)
    # The usual types first: a check against an abstract class takes longer than everything else here.
    if kind is dict:
        items = value.values()
    elif kind is list:
        items = value
    elif kind in _SCALARS:
        return False
    elif isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, _SEQUENCES):
        items = value
    else:
        return isinstance(value, _LAZY)
    for item in items:  # noqa: SIM110  (a generator takes a third longer)
        if type(item) not in _SCALARS and is_lazy(item):
            return True
    return False


def plain(value: Any, where: str = "the value") -> Any:
    """`value` with every lazy object in it evaluated; other values are returned unchanged.

    `where` names the value in LazyObjectRefused, which is raised for a manager: it does not select any objects.
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
    if isinstance(value, LazyObject):
        bool(value)  # once it has been read, its copy is a copy of the wrapped object
        return plain(copy.copy(value), where)
    if isinstance(value, QuerySet | RawQuerySet | GeneratorType):
        rows = [plain(item, f"{where}[{place}]") for place, item in enumerate(value)]
        return _without_password(value, rows, where) if isinstance(value, QuerySet) else rows
    if isinstance(value, Model):
        return row(value)
    if isinstance(value, FieldFile):
        return value.name
    if isinstance(value, Promise):
        return str(value)
    owner = getattr(value, "instance", None) or value.model
    raise LazyObjectRefused(
        f"{where} is a manager of {value.model.__name__} (of {owner!r}), not data.",
        "Return a queryset of it: `.all()`, or a narrower one.",
    )


def _without_password(queryset: QuerySet[Any], rows: list[Any], where: str) -> list[Any]:
    """The rows of `queryset`; of `values()` without names, which selects all columns, all except a user's password."""
    model = queryset.model
    every = {field.attname for field in model._meta.concrete_fields}
    hidden = every - {field.attname for field in columns(model)}
    # Without the names that Django keeps of what is selected, they count as all.
    if not hidden or not every <= {*getattr(queryset.query, "values_select", every)}:
        return rows
    for row in rows:
        if isinstance(row, dict):
            for name in hidden:
                row.pop(name, None)
        elif isinstance(row, tuple):
            raise LazyObjectRefused(
                f"{where} has all columns of {model.__name__}, and so the users' passwords.",
                "Name the columns: `.values_list(...)`.",
            )
    return rows


def columns(model: type[Model]) -> list[Any]:
    """The columns of `model` in a response by default: all except a user's password."""
    from django.contrib.auth.base_user import AbstractBaseUser  # which can be imported once apps are loaded

    fields = [field for field in model._meta.get_fields() if field.concrete and not field.many_to_many]
    if issubclass(model, AbstractBaseUser):
        fields = [field for field in fields if field.name != "password"]
    return fields


def row(instance: Model) -> dict[str, Any]:
    """The dictionary of `values()` for `instance`: each column, a relation as its id, a file as its name."""
    return {field.attname: plain(getattr(instance, field.attname)) for field in columns(type(instance))}
