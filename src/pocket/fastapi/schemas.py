"""Pydantic models from Django models.

`schema()` makes one from the names of fields. `mirrors()` decorates one that is written out, so that editors know its
attributes, and adds the Django model's titles and descriptions.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_type_hints

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.text import capfirst
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WrapSerializer, create_model
from pydantic.fields import FieldInfo

from pocket.django.orm.plain import columns
from pocket.errors import PocketError
from pocket.fastapi.internals import has_database_default, unless_default

Schema = TypeVar("Schema", bound=BaseModel)

Definition = tuple[Any, Any]  # an annotation and a pydantic field, as create_model() takes them

_TYPES: tuple[tuple[Any, Any], ...] = (
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
    ((models.CharField, models.TextField, models.GenericIPAddressField), str),
)


class UnknownField(PocketError, ValueError):
    """A name that is neither a field nor a property of the Django model, or a property without a type."""


class ModelSchema(BaseModel):
    """A pydantic model that reads its values from a Django object's attributes."""

    model_config = ConfigDict(from_attributes=True)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def schema(
    model: type[models.Model],
    *fields: str,
    exclude: Iterable[str] = (),
    nested: Mapping[str, type[BaseModel]] | None = None,
    purpose: Literal["read", "write"] = "read",
    name: str | None = None,
) -> type[ModelSchema]:
    """A pydantic model of `model`'s `fields`; by default its columns except a user's password and those in `exclude`.

    A name is a column, a relation, a file (whose value is its URL) or a property. A relation to one object is its id,
    under the column's name (`author_id`), a relation to many the list of their ids; `nested[name]` replaces ids by a
    model. With `purpose="write"`, lengths and choices are checked, defaults make fields optional (a function is called
    for each object; the database fills in its own defaults), and fields that are not editable are left out. Raises
    UnknownField.
    """
    writing = purpose == "write"
    chosen = fields or tuple(
        field.attname
        for field in columns(model)
        if not writing or (field.editable and not (field.primary_key and field.auto_created))
    )
    left_out = set(exclude)
    for unknown in left_out - {name for field in model._meta.get_fields() for name in (field.name, _attname(field))}:
        raise _unknown(model, unknown)
    definitions: dict[str, Any] = {}
    for chosen_name in chosen:
        key, definition = _define(model, chosen_name, (nested or {}).get(chosen_name), writing)
        if not left_out & {chosen_name, key}:
            definitions[key] = definition
    title = name or f"{model.__name__}{'In' if writing else 'Out'}"
    return create_model(title, __base__=ModelSchema, __module__=model.__module__, **definitions)


def mirrors(model: type[models.Model]) -> Callable[[type[Schema]], type[Schema]]:
    """A decorator for a pydantic model whose attributes are `model`'s: they get its titles and descriptions.

    Annotations, and titles and descriptions in them, stay. Raises UnknownField for a name that `model` lacks, unless
    it has a default.
    """

    def decorate(cls: type[Schema]) -> type[Schema]:
        definitions: dict[str, Any] = {}
        for name, info in cls.model_fields.items():
            try:
                field = _field(model, name)
            except FieldDoesNotExist:
                if not hasattr(model, name) and info.is_required():
                    raise _unknown(model, name) from None
                continue
            about = {key: value for key, value in _described(field).items() if getattr(info, key) is None}
            merged = FieldInfo.merge_field_infos(info, **about)
            definitions[name] = (cls.__annotations__.get(name, info.annotation), merged)
        config = {"from_attributes": True, **cls.model_config}
        base = type(
            cls.__name__, (cls,), {"__module__": cls.__module__, "model_config": config, "__doc__": cls.__doc__}
        )
        return create_model(cls.__name__, __base__=base, __module__=cls.__module__, __doc__=cls.__doc__, **definitions)

    return decorate


def _define(
    model: type[models.Model], name: str, nested: type[BaseModel] | None, writing: bool
) -> tuple[str, Definition]:
    try:
        field = _field(model, name)
    except FieldDoesNotExist:
        attribute = getattr(model, name, None)
        if attribute is None:
            raise _unknown(model, name) from None
        return name, _computed(name, attribute)
    if isinstance(field, models.CompositePrimaryKey) or (field.concrete and not field.many_to_many and nested is None):
        return field.attname, _column(field, writing)
    if field.is_relation and field.related_model is None and nested is None:
        raise UnknownField(
            f"{model.__name__}.{field.name} may be an object of any model, and so has no type.",
            f'Name its columns, {field.ct_field}_id and {field.fk_field}, or give nested={{"{field.name}": ...}}.',
        )
    return name, _relation(field, nested)


def _column(field: Any, writing: bool) -> Definition:
    """For reading, a value is described; for writing, it is also held against the field's length and choices."""
    target: Any = field.target_field if isinstance(field, models.ForeignKey) else field
    about = _described(field)
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
    if writing and has_database_default(field):
        kind = Annotated[kind, WrapSerializer(unless_default)]
    return kind, Field(**(_default(field) if writing else {}), **about)


def _default(field: Any) -> dict[str, Any]:
    """What pydantic takes a field's value from where none is sent; nothing for a field that must be."""
    if (field.has_default() and callable(field.default)) or has_database_default(field):
        return {"default_factory": field.get_default}
    if field.has_default():
        return {"default": field.get_default()}
    if field.null:
        return {"default": None}
    return {"default": ""} if field.blank and field.empty_strings_allowed else {}


def _relation(field: Any, nested: type[BaseModel] | None) -> Definition:
    """A relation to many objects, or back to one: nested, or their ids where that is None."""
    about = _described(field)
    if field.many_to_many or field.one_to_many:
        inner: Any = nested or _type_of(field.related_model._meta.pk)
        return Annotated[list[inner], BeforeValidator(_all if nested else _ids)], Field(**about)
    if nested is None:
        return Annotated[_type_of(field.related_model._meta.pk) | None, BeforeValidator(_id)], Field(None, **about)
    if field.concrete and not field.null:
        return nested, Field(**about)
    return nested | None, Field(None, **about)


def _computed(name: str, attribute: Any) -> Definition:
    """A property of the model's class: typed as its getter's return is annotated."""
    getter = getattr(attribute, "fget", None) or getattr(attribute, "func", None)
    hints = get_type_hints(getter) if getter is not None else {}
    text = (getattr(getter, "__doc__", None) or "").strip()
    return hints.get("return", Any), Field(title=capfirst(name.replace("_", " ")), description=text or None)


def _described(field: Any) -> dict[str, Any]:
    """A field's title and description for the API's documentation, as the model words them."""
    if not isinstance(field, models.Field):
        return {}
    help_text = str(field.help_text).strip()
    return {"title": capfirst(str(field.verbose_name)), **({"description": help_text} if help_text else {})}


def _type_of(field: Any) -> Any:
    while field.remote_field is not None:
        field = field.target_field
    if isinstance(field, models.CompositePrimaryKey):
        return tuple[tuple(_type_of(part) for part in field.fields)]  # type: ignore[misc]  # as many as there are
    return next((annotation for kind, annotation in _TYPES if isinstance(field, kind)), Any)


def _url(value: Any) -> Any:
    """The address of a stored file, None where there is none."""
    return (value.url if value else None) if hasattr(value, "storage") else value


def _all(value: Any) -> Any:
    return list(value.all()) if isinstance(value, models.Manager) else value


def _ids(value: Any) -> Any:
    return [item.pk for item in value.all()] if isinstance(value, models.Manager) else value


def _id(value: Any) -> Any:
    return value.pk if isinstance(value, models.Model) else value


def _field(model: type[models.Model], name: str) -> Any:
    """The field of that name, of that column, or of a relation to `model` that goes by that name there."""
    for field in model._meta.get_fields():
        accessor = field.get_accessor_name() if isinstance(field, models.ForeignObjectRel) else None
        if name in {accessor or field.name, _attname(field)}:
            return field
    raise FieldDoesNotExist(name)


def _attname(field: Any) -> str:
    return str(getattr(field, "attname", field.name))


def _unknown(model: type[models.Model], name: str) -> UnknownField:
    names = [field.name for field in model._meta.get_fields()]
    near = get_close_matches(name, names, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(sorted(names))}, and its properties."
    return UnknownField(f"{model.__name__} has no field or property {name!r}.", hint)
