"""What a field of a Django model is in a pydantic model: its type, and what the API's documentation says of it."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, get_type_hints

from django.db import models
from django.db.models.fields import NOT_PROVIDED
from django.utils.text import capfirst
from pydantic import BaseModel, BeforeValidator, Field

Definition = tuple[Any, Any]
"""An annotation and a pydantic field, as `pydantic.create_model` takes them."""

_TYPES: tuple[tuple[type[models.Field[Any, Any]], Any], ...] = (
    (models.BooleanField, bool),
    (models.IntegerField, int),
    (models.FloatField, float),
    (models.DecimalField, Decimal),
    (models.DateTimeField, dt.datetime),
    (models.DateField, dt.date),
    (models.TimeField, dt.time),
    (models.DurationField, dt.timedelta),
    (models.UUIDField, uuid.UUID),
    (models.BinaryField, bytes),
    (models.JSONField, Any),
    (models.CharField, str),
    (models.TextField, str),
    (models.GenericIPAddressField, str),
)


def column(field: models.Field[Any, Any], *, writing: bool) -> Definition:
    """The definition for a column.

    For reading, a value is described; for writing, it is also held against the field's length and choices, and the
    field's default makes it optional.
    """
    target: Any = field.target_field if isinstance(field, models.ForeignKey) else field
    about = described(field)
    kind = _type_of(target)
    if isinstance(target, models.FileField):
        return Annotated[str | None, BeforeValidator(_url)], Field(**about)
    choices = [value for value, _ in field.flatchoices if value not in {None, ""}] if field.choices else []
    if choices and writing:
        kind = Literal[(*choices, *([""] if field.blank and kind is str else []))]
    elif choices:
        about["json_schema_extra"] = {"enum": choices}
    if writing and kind is str and target.max_length:
        about["max_length"] = target.max_length
    if field.null:
        kind = kind | None if kind is not Any else Any
    return kind, Field(default=_default(field) if writing else ..., **about)


def relation(field: Any, nested: type[BaseModel] | None) -> Definition:
    """The definition for a relation to many objects, or back to one: nested, or their ids where that is None."""
    about = described(field) if isinstance(field, models.Field) else {}
    if field.many_to_many or field.one_to_many:
        inner: Any = nested or _type_of(field.related_model._meta.pk)
        return Annotated[list[inner], BeforeValidator(_all if nested else _ids)], Field(**about)
    if nested is None:
        return Annotated[_type_of(field.related_model._meta.pk) | None, BeforeValidator(_id)], Field(None, **about)
    if field.concrete and not field.null:
        return nested, Field(**about)
    return nested | None, Field(None, **about)


def computed(name: str, attribute: Any) -> Definition:
    """The definition for a property of the model's class: typed as its getter's return is annotated."""
    getter = getattr(attribute, "fget", None) or getattr(attribute, "func", None)
    hints = get_type_hints(getter) if getter is not None else {}
    text = (getattr(getter, "__doc__", None) or "").strip()
    return hints.get("return", Any), Field(title=capfirst(name.replace("_", " ")), description=text or None)


def described(field: Any) -> dict[str, Any]:
    """A field's title and description for the API's documentation, as the model words them."""
    help_text = str(field.help_text).strip()
    return {"title": capfirst(str(field.verbose_name)), **({"description": help_text} if help_text else {})}


def _type_of(field: Any) -> Any:
    while field.remote_field is not None:
        field = field.target_field
    for kind, annotation in _TYPES:
        if isinstance(field, kind):
            return annotation
    return Any


def _default(field: models.Field[Any, Any]) -> Any:
    if field.default is not NOT_PROVIDED:
        return field.get_default()
    if field.null:
        return None
    return "" if field.blank and field.empty_strings_allowed else ...


def _url(value: Any) -> Any:
    """The address of a stored file, None where there is none."""
    return (value.url if value else None) if hasattr(value, "storage") else value


def _all(value: Any) -> Any:
    return list(value.all()) if isinstance(value, models.Manager) else value


def _ids(value: Any) -> Any:
    return [item.pk for item in value.all()] if isinstance(value, models.Manager) else value


def _id(value: Any) -> Any:
    return value.pk if isinstance(value, models.Model) else value
