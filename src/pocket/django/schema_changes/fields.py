"""The effect of a new or changed field on existing rows and on the live release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.django.schema_changes.columns import Column, column_of
from pocket.django.schema_changes.expressions import never_fails

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

UNFILLED = "the live release does not fill it, so its INSERTs fail; give the field a `db_default=`, or let it be null"
UPSERTED = "the live release may need it: upserts name the unique columns, and get_or_create() relies on them"
ALIKE = "existing rows, and rows that the live release adds, get the same value, and it is unique"

_TEXTS = frozenset({"CharField", "FileField", "FilePathField", "SlugField"})
"""Text types of `max_length` characters, which are read and written alike."""

_KNOWN = frozenset(
    {
        "auto_now",
        "auto_now_add",
        "db_collation",
        "db_comment",
        "db_constraint",
        "db_default",
        "db_index",
        "decimal_places",
        "default",
        "max_digits",
        "max_length",
        "null",
        "on_delete",
        "primary_key",
        "to",
        "to_field",
        "unique",
    }
)
"""Arguments whose change is examined below, or does not affect rows and older releases."""


def added(connection: BaseDatabaseWrapper, field: Any) -> str:
    """Why a new field is destructive; "" if it is additive."""
    if field.primary_key:
        return "it becomes the table's primary key"
    if field.many_to_many or field.db_type(connection) is None:
        return ""
    if getattr(field, "generated", False):
        return _generated(connection, field)
    has_db_default = field.has_db_default()
    if field.unique and (has_db_default or _same_for_all(field)):
        return ALIKE
    if has_db_default and field.remote_field and field.db_constraint:
        return "rows get its default, which may refer to a missing row"
    return "" if field.null or has_db_default else UNFILLED


def _same_for_all(field: Any) -> bool:
    """Whether all existing rows get the same value: Django computes a default once."""
    return (field.has_default() and field.get_default() is not None) or getattr(field, "auto_now", False)


def _generated(connection: BaseDatabaseWrapper, field: Any) -> str:
    if field.unique:
        return "several existing rows, or rows that the live release writes, may give it the same value"
    if never_fails(connection, field.expression, field):
        return ""
    return "its expression may fail for an existing row, or one that the live release writes"


def altered(connection: BaseDatabaseWrapper, old: Any, new: Any) -> str:
    """Why changing the field `old` into `new` is destructive; "" if that only widens it or changes no column."""
    # The editor is not entered, so it changes nothing.
    editor: Any = connection.schema_editor(collect_sql=True)
    if not editor._field_should_be_altered(old, new):
        return ""
    if old.many_to_many or new.many_to_many:
        return "it changes the table between the two models"
    if old.column != new.column:
        return f"it renames the column {old.column}, which the live release uses"
    was, is_now = column_of(connection, editor, old), column_of(connection, editor, new)
    if was == is_now:
        return ""
    for examine in (_nature, _type, _presence, _default, _relation):
        if reason := examine(connection, was, is_now):
            return reason
    return _rest(old, new)


def _rest(old: Any, new: Any) -> str:
    was, is_now = _arguments(old), _arguments(new)
    for name in sorted(was.keys() | is_now.keys()):
        if name not in _KNOWN and was.get(name) != is_now.get(name):
            return f"the effect of changing `{name}` is unknown"
    return ""


def _arguments(field: Any) -> dict[str, Any]:
    """The field's arguments that affect the database."""
    _, _, _, arguments = field.deconstruct()
    return {name: value for name, value in arguments.items() if name not in field.non_db_attrs}


def _nature(connection: BaseDatabaseWrapper, was: Column, is_now: Column) -> str:
    if was.generated or is_now.generated:
        return "it changes how the database computes the column"
    if was.collation != is_now.collation:
        return "the effect of changing `db_collation` on comparisons and unique values is unknown"
    if was.primary_key != is_now.primary_key:
        return "it changes the table's primary key"
    if was.suffix != is_now.suffix:
        return "it changes whether the database numbers the rows, which the live release relies on"
    return ""


def _type(connection: BaseDatabaseWrapper, was: Column, is_now: Column) -> str:
    if (was.type, was.check) == (is_now.type, is_now.check) or _holds(was, is_now):
        return ""
    if was.length != is_now.length and (was.kind == is_now.kind or {was.kind, is_now.kind} <= _TEXTS):
        return _length(was, is_now)
    if was.kind in _TEXTS and is_now.kind == "TextField":
        return "MySQL cannot index a text as it is" if connection.vendor == "mysql" and is_now.indexed else ""
    return _changed(was, is_now)


def _holds(was: Column, is_now: Column) -> bool:
    """Whether the new type holds all values of the old one, in the same form."""
    if was.range and is_now.range:
        return is_now.range[0] <= was.range[0] and is_now.range[1] >= was.range[1]
    if was.kind == "DecimalField" == is_now.kind:
        (digits, places), (new_digits, new_places) = was.digits, is_now.digits
        return new_places >= places and new_digits - new_places >= digits - places
    return was.type == is_now.type and not is_now.check


def _changed(was: Column, is_now: Column) -> str:
    if was.type != is_now.type:
        return f"it changes the column's type from {was.type} to {is_now.type}"
    return f"the database checks {is_now.check}, and the live release may write values that it refuses"


def _length(was: Column, is_now: Column) -> str:
    if is_now.length is None or was.length == is_now.length or (was.length is not None and is_now.length > was.length):
        return ""
    return f"it shortens the column to {is_now.length} characters, and longer values may exist or be written"


def _presence(connection: BaseDatabaseWrapper, was: Column, is_now: Column) -> str:
    if was.null and not is_now.null:
        return "the live release may write NULL, and rows with NULL may exist"
    if is_now.unique and not was.unique:
        return "the live release may write values twice, and rows with the same value may exist"
    return UPSERTED if was.unique and not is_now.unique else ""


def _default(connection: BaseDatabaseWrapper, was: Column, is_now: Column) -> str:
    if was.default is None or was.default == is_now.default:
        return ""
    if is_now.default is None:
        return "the live release relies on the column's default, which is removed"
    return "rows that the live release adds get another default than it relies on"


def _relation(connection: BaseDatabaseWrapper, was: Column, is_now: Column) -> str:
    if was.on_delete and was.on_delete != is_now.on_delete:
        return "the live release relies on what the database does when the referenced row is deleted"
    if was.refers_to and is_now.refers_to and was.refers_to != is_now.refers_to:
        return f"`to` changes: it then refers to {is_now.refers_to[0]}"
    if is_now.constrained and not was.constrained:
        return "rows that refer to a missing row may exist or be written"
    return ""
