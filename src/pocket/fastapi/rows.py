"""Rows from the database to JSON without a model instance or a validated copy in between.

Where a response model asks for no more than columns of the queryset's model, each in the type that Django gives it,
validation can only confirm what is known. `shape_of` finds out once a response model, `columns_of` once a queryset's
model; wherever either is in doubt the answer is no, and the usual way is taken.
"""

from __future__ import annotations

from functools import lru_cache
from inspect import getattr_static
from typing import TYPE_CHECKING, Any, get_args, get_origin

from django.db import models
from django.db.models.query import ModelIterable, ValuesIterable, ValuesListIterable
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init
from pydantic import BaseModel

from pocket.fastapi.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Shape = tuple[tuple[str, str, str, bool], ...]
"""A response model's fields: attribute, key in JSON, kind, whether it may be null."""

_KINDS: dict[type[models.Field[Any, Any]], str] = {
    models.AutoField: "int",
    models.BigAutoField: "int",
    models.SmallAutoField: "int",
    models.IntegerField: "int",
    models.BigIntegerField: "int",
    models.SmallIntegerField: "int",
    models.PositiveIntegerField: "int",
    models.PositiveBigIntegerField: "int",
    models.PositiveSmallIntegerField: "int",
    models.CharField: "str",
    models.TextField: "str",
    models.SlugField: "str",
    models.EmailField: "str",
    models.URLField: "str",
    models.BooleanField: "bool",
    models.FloatField: "float",
    models.DecimalField: "decimal",
    models.DateTimeField: "datetime",
    models.DateField: "date",
    models.DurationField: "timedelta",
    models.UUIDField: "uuid",
}
# Times of day are not among them: orjson 3.13 writes 10,000 microseconds as ".10000".
_PLAIN_KEYS = {"type", "metadata", "microseconds_precision", "schema", "strict", "cls", "config_choose_priority"}
_PLAIN_CONFIG = {"title", "from_attributes", "arbitrary_types_allowed", "populate_by_name", "validate_by_name"}


@lru_cache(maxsize=1024)
def shape_of(response_model: Any) -> Shape | None:
    """The fields of `list[Model]`'s model where all of them are plain values; None for any other response model."""
    if get_origin(response_model) is not list:
        return None
    (model,) = get_args(response_model)
    if not (isinstance(model, type) and issubclass(model, BaseModel)) or model.model_computed_fields:
        return None
    schema: Mapping[str, Any] = model.__pydantic_core_schema__
    fields = schema.get("schema", {})
    simple = schema.get("type") == "model" and fields.get("type") == "model-fields"
    if not simple or not set(schema.get("config") or ()) <= _PLAIN_CONFIG or _is_customised(model, schema, fields):
        return None
    parts = [_part(name, field) for name, field in fields["fields"].items()]
    return tuple(part for part in parts if part is not None) if all(parts) else None


def _is_customised(model: type[BaseModel], schema: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    ways = (schema.get(key) for key in ("custom_init", "root_model", "post_init", "serialization", "extras_schema"))
    return any(ways) or "serialization" in fields or "extras_schema" in fields or bool(model.model_config.get("extra"))


def _part(name: str, field: Mapping[str, Any]) -> tuple[str, str, str, bool] | None:
    schema = field["schema"]
    if field.get("serialization_exclude") or "serialization_exclude_if" in field:
        return None
    if schema["type"] == "default":
        schema = schema["schema"]
    nullable = schema["type"] == "nullable"
    if nullable:
        schema = schema["schema"]
    if not schema.keys() <= _PLAIN_KEYS or "schema" in schema:
        return None
    source = field.get("validation_alias", name)
    return (source, field.get("serialization_alias", name), schema["type"], nullable) if type(source) is str else None


@lru_cache(maxsize=1024)
def columns_of(model: type[models.Model], shape: Shape) -> tuple[str, ...] | None:
    """The columns to fetch, in the shape's order; None where `model` does not give each as the database does."""
    untouched = model.from_db.__func__ is models.Model.from_db.__func__  # type: ignore[attr-defined]
    if not untouched or model.__init__ is not models.Model.__init__ or hasattr(model, "__getattr__"):
        return None
    if model.__getattribute__ is not object.__getattribute__:
        return None
    known = {
        field.attname: field
        for field in model._meta.concrete_fields
        if isinstance(getattr_static(model, field.attname), DeferredAttribute)
    }
    known["pk"] = model._meta.pk
    for source, _, kind, nullable in shape:
        field = known.get(source)
        target: Any = field.target_field if isinstance(field, models.ForeignKey) else field
        if field is None or _KINDS.get(type(target)) != kind or (field.null and not nullable):
            return None
    return tuple(known[source].attname for source, *_ in shape)


def writer_for(response_model: Any) -> Callable[[Any], bytes | None] | None:
    """A function from a queryset to JSON, which answers None where the queryset must go the usual way.

    None itself where no queryset can be written for `response_model`. The function queries.
    """
    shape = shape_of(response_model)
    if shape is None:
        return None
    keys = tuple(key for _, key, _, _ in shape)

    def write(value: Any) -> bytes | None:
        columns = _columns(value, shape)
        if columns is None:
            return None
        return encode([dict(zip(keys, row, strict=True)) for row in only_columns(value, columns)])

    return write


def only_columns(queryset: Any, columns: tuple[str, ...]) -> Any:
    """What `queryset.values_list(*columns)` gives.

    Django resolves the names anew for each queryset, which takes a good part of the time of a small query; for columns
    of the model's own table, to which nothing else can add, the outcome is always the same and kept.
    """
    query = queryset.query
    known = selection_of(queryset.model, columns)
    if (
        known is None
        or query.annotations
        or query.extra
        or query.base_table not in {None, queryset.model._meta.db_table}
    ):
        return queryset.values_list(*columns)
    chosen = queryset._chain()
    chosen._fields, chosen._iterable_class = columns, ValuesListIterable
    chosen.query.__dict__.update(known)
    return chosen


@lru_cache(maxsize=1024)
def selection_of(model: type[models.Model], columns: tuple[str, ...]) -> Mapping[str, Any] | None:
    """What asking for `columns` changes in a query; None where it joins tables, or changes what is not known here."""
    every: Any = model._base_manager.all()
    before, after = every.query.__dict__, every.values_list(*columns).query.__dict__
    changed = {name for name, value in after.items() if name not in before or before[name] != value}
    joined = {alias for alias, uses in after["alias_refcount"].items() if uses} - {model._meta.db_table}
    if joined or not changed <= {*_SELECTION, *_TABLES}:
        return None
    return {name: after[name] for name in _SELECTION if name in after}


_SELECTION = (
    *("select", "values_select", "selected", "default_cols", "select_related", "deferred_loading"),
    *("annotation_select_mask", "extra_select_mask", "_annotation_select_cache", "_extra_select_cache"),
)
_TABLES = {"alias_map", "alias_refcount", "table_map", "used_aliases", "base_table", "filter_is_sticky"}


def _columns(value: Any, shape: Shape) -> tuple[str, ...] | None:
    """The columns to fetch for `value`, None unless its rows are exactly what the database would give."""
    if not isinstance(value, models.QuerySet) or not _is_untouched(value):
        return None
    if any(source in value.query.annotations for source, *_ in shape):
        return None
    model: Any = value.model
    return columns_of(model, shape)


def _is_untouched(queryset: Any) -> bool:
    """Whether asking `queryset` for columns gives the same rows, and what Django's own classes make of them."""
    kind, query = type(queryset), queryset.query
    if queryset._result_cache is not None or queryset._fields or query.combinator or query.distinct or query.group_by:
        return False
    if kind._fetch_all is not models.QuerySet._fetch_all or kind.__iter__ is not models.QuerySet.__iter__:
        return False
    if queryset._iterable_class is ModelIterable:
        return not post_init.has_listeners(queryset.model)
    return queryset._iterable_class is ValuesIterable
