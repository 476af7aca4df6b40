"""Rows from the database to JSON, without a model instance or a validated copy in between.

Only where validating and serializing cannot change anything: a response model of plain fields, columns of exactly the
types that these have, a queryset in which nothing but filters, ordering and a slice is set. All three are lists of what
is allowed; anything else goes FastAPI's way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_args, get_origin

from django.db import models
from django.db.models.signals import post_init, pre_init
from pydantic import BaseModel
from pydantic_core import to_json, to_jsonable_python

from pocket.fastapi.internals import is_column, is_simple, values_of

if TYPE_CHECKING:
    from collections.abc import Callable

Part = tuple[str, str, str, bool]
"""A field of a response model: attribute of the object, key in JSON, type, whether it may be null."""

_INTEGERS = (
    *(models.AutoField, models.BigAutoField, models.SmallAutoField, models.IntegerField, models.BigIntegerField),
    *(models.SmallIntegerField, models.PositiveIntegerField, models.PositiveBigIntegerField),
    models.PositiveSmallIntegerField,
)
_TEXTS = (models.CharField, models.TextField, models.SlugField, models.EmailField, models.URLField)
_TYPES: Mapping[type, str] = {
    **dict.fromkeys(_INTEGERS, "int"),
    **dict.fromkeys(_TEXTS, "str"),
    models.BooleanField: "bool",
    models.FloatField: "float",
    models.DecimalField: "decimal",
    models.DateTimeField: "datetime",
    models.DateField: "date",
    models.DurationField: "timedelta",
    models.UUIDField: "uuid",
}
# Times of day are not among them: orjson writes 10,000 microseconds as ".10000".

# The keys that each part of pydantic's core schema may have; values that matter are checked below.
_LEAF = frozenset({"type", "metadata", "microseconds_precision"})
_WRAPPER = _LEAF | {"schema", "default", "default_factory", "default_factory_takes_data", "strict"}
_FIELD = frozenset({"type", "schema", "metadata", "validation_alias", "serialization_alias"})
_FIELDS = frozenset({"type", "fields", "model_name", "computed_fields"})
_MODEL = frozenset({"type", "cls", "schema", "config", "metadata", "ref", "custom_init", "root_model"})
_CONFIG = frozenset({"title", "from_attributes"})


@lru_cache(maxsize=1024)
def parts_of(response_model: Any) -> tuple[Part, ...] | None:
    """The fields of `list[Model]`'s model where all of them are plain values; None for any other response model."""
    arguments = get_args(response_model)
    if get_origin(response_model) is not list or not isinstance(arguments[0], type):
        return None
    schema: Any = arguments[0].__pydantic_core_schema__ if issubclass(arguments[0], BaseModel) else {}
    if schema.get("type") != "model" or not schema.keys() <= _MODEL:
        return None
    fields, config = schema["schema"], schema.get("config", {})
    if schema.get("custom_init") or schema.get("root_model") or not config.keys() <= _CONFIG:
        return None
    if fields["type"] != "model-fields" or not fields.keys() <= _FIELDS or fields.get("computed_fields"):
        return None
    parts = [_part(name, field) for name, field in fields["fields"].items()]
    keys = {part[1] for part in parts if part is not None}
    return tuple(part for part in parts if part is not None) if parts and len(keys) == len(parts) else None


def _part(name: str, field: Mapping[str, Any]) -> Part | None:
    source, key = field.get("validation_alias", name), field.get("serialization_alias", name)
    schema, nullable = field["schema"], False
    while schema["type"] in {"default", "nullable"} and schema.keys() <= _WRAPPER:
        nullable = nullable or schema["type"] == "nullable"
        schema = schema["schema"]
    if not field.keys() <= _FIELD or not schema.keys() <= _LEAF or type(source) is not str:
        return None
    return source, key, schema["type"], nullable


@lru_cache(maxsize=1024)
def columns_of(model: Any, parts: tuple[Part, ...]) -> tuple[str, ...] | None:
    """The columns to fetch, in the order of the parts; None where `model` does not give each as the database does."""
    usual: Any = models.Model
    names = ("__init__", "__new__", "__getattribute__")
    if model.from_db.__func__ is not usual.from_db.__func__ or hasattr(model, "__getattr__"):
        return None
    if any(getattr(model, name) is not getattr(usual, name) for name in names):
        return None
    known: dict[str, Any] = {
        str(field.attname): field
        for field in model._meta.get_fields()
        if isinstance(field, models.Field) and is_column(model, str(getattr(field, "attname", "")))
    }
    known["pk"] = model._meta.pk
    for source, _, kind, nullable in parts:
        field = known.get(source)
        target = field.target_field if isinstance(field, models.ForeignKey) else field
        if field is None or _TYPES.get(type(target)) != kind or (field.null and not nullable):
            return None
    return tuple(known[source].attname for source, *_ in parts)


def writer_for(response_model: Any) -> Callable[[Any], bytes | None] | None:
    """A function from what an endpoint returned to JSON, which queries; None from it means: go the usual way.

    None itself where nothing can be written for `response_model`.
    """
    parts = parts_of(response_model)
    if parts is None:
        return None
    keys = [key for _, key, _, _ in parts]
    places = range(len(keys))
    decimals = [place for place, part in enumerate(parts) if part[2] == "decimal"]

    def write(value: Any) -> bytes | None:
        if not isinstance(value, models.QuerySet) or not is_simple(value):
            return None
        model: Any = value.model
        columns = columns_of(model, parts)
        if columns is None or post_init.has_listeners(model) or pre_init.has_listeners(model):
            return None
        rows = values_of(value, columns)
        for place in decimals:
            if not all(row[place] is None or row[place].is_finite() for row in rows):
                return None  # pydantic refuses them
        return encode([{keys[place]: row[place] for place in places} for row in rows])  # dict() and zip() are slower

    return write


def _other(value: Any) -> Any:
    """What orjson does not know, as pydantic writes it."""
    if type(value) is timedelta or type(value) is Decimal:
        return to_jsonable_python(value)
    raise TypeError


def _pydantics(rows: Any) -> bytes:
    return to_json(rows, inf_nan_mode="null")


def _encoder() -> Callable[[Any], bytes]:
    try:
        import orjson
    except ImportError:
        return _pydantics

    def encode(rows: Any) -> bytes:
        try:
            written: bytes = orjson.dumps(rows, _other, orjson.OPT_UTC_Z)
        except TypeError:
            return _pydantics(rows)  # an integer of over 64 bits
        return written

    return encode


encode: Callable[[Any], bytes] = _encoder()
