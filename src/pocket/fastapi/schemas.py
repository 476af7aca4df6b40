"""Pydantic models from Django models.

`schema()` makes one from the names of fields. `mirrors()` decorates one that is written out, so that editors know its
attributes, and takes over what the Django model says of them.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field
from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from pocket.errors import PocketError
from pocket.fastapi.columns import Definition, column, computed, described, relation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from django.db.models import Model

Schema = TypeVar("Schema", bound=BaseModel)


class UnknownField(PocketError, ValueError):
    """A name that a Django model has neither as a field nor as a property."""


class ModelSchema(BaseModel):
    """A pydantic model that reads its values from a Django object's attributes."""

    model_config = ConfigDict(from_attributes=True)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def schema(
    model: type[Model],
    *fields: str,
    exclude: Iterable[str] = (),
    nested: Mapping[str, type[BaseModel]] | None = None,
    purpose: Literal["read", "write"] = "read",
    name: str | None = None,
) -> type[ModelSchema]:
    """A pydantic model of `model`'s `fields`, by default all of its columns but those in `exclude`.

    A name may be a column, a relation (one to one object is given by its id under the column's name, `author_id`; one
    to many as the list of their ids; or as `nested[name]` says), a file (given as its URL) or a property. For
    `purpose="write"` lengths and choices are checked, defaults make fields optional, and what is not editable is left
    out. Raises UnknownField.
    """
    writing = purpose == "write"
    chosen = fields or tuple(
        field.attname
        for field in model._meta.concrete_fields
        if not writing or (field.editable and not _is_auto(field))
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


def mirrors(model: type[Model]) -> Callable[[type[Schema]], type[Schema]]:
    """A decorator for a pydantic model whose attributes are `model`'s: they get its titles and descriptions.

    The annotations stay as they are written, and so does what they say themselves. Raises UnknownField for a name that
    `model` lacks, unless it has a default.
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
            about = described(field) if isinstance(field, Field) else {}
            given = {key: value for key, value in about.items() if getattr(info, key) is None}
            definitions[name] = (cls.__annotations__.get(name, info.annotation), _merged(info, given))
        config = {"from_attributes": True, **cls.model_config}
        base = type(
            cls.__name__, (cls,), {"__module__": cls.__module__, "model_config": config, "__doc__": cls.__doc__}
        )
        return create_model(cls.__name__, __base__=base, __module__=cls.__module__, __doc__=cls.__doc__, **definitions)

    return decorate


def _merged(info: FieldInfo, given: dict[str, Any]) -> FieldInfo:
    return FieldInfo.merge_field_infos(info, **given)


def _define(model: type[Model], name: str, nested: type[BaseModel] | None, writing: bool) -> tuple[str, Definition]:
    try:
        field = _field(model, name)
    except FieldDoesNotExist:
        attribute = getattr(model, name, None)
        if attribute is None:
            raise _unknown(model, name) from None
        return name, computed(name, attribute)
    is_column = field.concrete and not field.many_to_many
    if nested is not None or not is_column:
        return name, relation(field, nested)
    return field.attname, column(field, writing=writing)


def _field(model: type[Model], name: str) -> Any:
    """The field of that name, of that column, or of a relation to `model` that goes by that name there."""
    for field in model._meta.get_fields():
        accessor = field.get_accessor_name() if field.auto_created and not field.concrete else None  # type: ignore[union-attr]
        if name in {accessor or field.name, _attname(field)}:
            return field
    raise FieldDoesNotExist(name)


def _attname(field: Any) -> str:
    return str(getattr(field, "attname", field.name))


def _is_auto(field: Any) -> bool:
    return bool(field.primary_key and field.auto_created)


def _unknown(model: type[Model], name: str) -> UnknownField:
    names = [field.name for field in model._meta.get_fields()]
    near = get_close_matches(name, names, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(sorted(names))}, and its properties."
    return UnknownField(f"{model.__name__} has no field or property {name!r}.", hint)
