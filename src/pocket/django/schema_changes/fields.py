"""What a new or a changed field means to rows that are there, and to a release that does not know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.django.schema_changes.columns import Column, column_of
from pocket.django.schema_changes.expressions import never_fails

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

UNFILLED = (
    "the release that is live does not fill it, so its INSERTs fail; give the field a `db_default=`, or let it be null"
)
UPSERTED = (
    "the release that is live may count on it: an upsert names the unique columns, and get_or_create() relies on them"
)
ALIKE = "rows that are there, or that the release that is live adds, get the same value, and it is unique"

_TEXTS = frozenset({"CharField", "FileField", "FilePathField", "SlugField"})
"""Field types of text that are as long as `max_length` says, read and written alike."""

_JUDGED = frozenset(
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
"""Arguments whose change is judged below, or that no row and no older release notices."""


def added(connection: BaseDatabaseWrapper, field: Any) -> str:
    """Why a new field is destructive, "" where it is additive."""
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
        return "rows get its default, and it may refer to none"
    return "" if field.null or has_db_default else UNFILLED


def _same_for_all(field: Any) -> bool:
    """Whether rows that are there get a value: Django asks for it once, whatever the default calls."""
    return (field.has_default() and field.get_default() is not None) or getattr(field, "auto_now", False)


def _generated(connection: BaseDatabaseWrapper, field: Any) -> str:
    if field.unique:
        return "rows that are there, or that the release that is live writes, may give it the same value"
    if never_fails(connection, field.expression, field):
        return ""
    return "its expression may fail for a row that is there, or that the release that is live writes"


def altered(connection: BaseDatabaseWrapper, old: Any, new: Any) -> str:
    """Why changing the field `old` into `new` is destructive, "" where that only widens it or no column changes."""
    # The editor is not entered: it is asked, and changes nothing.
    editor: Any = connection.schema_editor(collect_sql=True)
    if not editor._field_should_be_altered(old, new):
        return ""
    if old.many_to_many or new.many_to_many:
        return "it changes the table between the two models"
    if old.column != new.column:
        return f"it renames the column {old.column}, which the release that is live asks for"
    was, is_now = column_of(connection, editor, old), column_of(connection, editor, new)
    if was == is_now:
        return ""
    for judge in (_nature, _type, _presence, _default, _relation):
        if reason := judge(connection, was, is_now):
            return reason
    return _rest(old, new)


def _rest(old: Any, new: Any) -> str:
    was, is_now = _arguments(old), _arguments(new)
    for name in sorted(was.keys() | is_now.keys()):
        if name not in _JUDGED and was.get(name) != is_now.get(name):
            return f"what the change of `{name}` does cannot be judged"
    return ""


def _arguments(field: Any) -> dict[str, Any]:
    """The field's arguments that the database is told."""
    _, _, _, arguments = field.deconstruct()
    return {name: value for name, value in arguments.items() if name not in field.non_db_attrs}


def _nature(connection: BaseDatabaseWrapper, was: Column, is_now: Column) -> str:
    if was.generated or is_now.generated:
        return "it changes how the database computes the column"
    if was.collation != is_now.collation:
        return "what the change of `db_collation` does to comparisons and to what is unique cannot be judged"
    if was.primary_key != is_now.primary_key:
        return "it changes the table's primary key"
    if was.suffix != is_now.suffix:
        return "it changes whether the database numbers the rows, which the release that is live counts on"
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
    """Whether the new type holds all numbers that the old one does, or holds anything in the same form."""
    if was.range and is_now.range:
        return is_now.range[0] <= was.range[0] and is_now.range[1] >= was.range[1]
    if was.kind == "DecimalField" == is_now.kind:
        (digits, places), (new_digits, new_places) = was.digits, is_now.digits
        return new_places >= places and new_digits - new_places >= digits - places
    return was.type == is_now.type and not is_now.check


def _changed(was: Column, is_now: Column) -> str:
    if was.type != is_now.type:
        return f"it changes the column's type from {was.type} to {is_now.type}"
    return f"the database checks {is_now.check}, and the release that is live may write what that refuses"


def _length(was: Column, is_now: Column) -> str:
    if is_now.length is None or was.length == is_now.length or (was.length is not None and is_now.length > was.length):
        return ""
    return f"it shortens the column to {is_now.length} characters, and longer values may be there or be written"


def _presence(connection: BaseDatabaseWrapper, was: Column, is_now: Column) -> str:
    if was.null and not is_now.null:
        return "the release that is live may write NULL, and rows with NULL may be there"
    if is_now.unique and not was.unique:
        return "the release that is live may write values twice, and rows with the same value may be there"
    return UPSERTED if was.unique and not is_now.unique else ""


def _default(connection: BaseDatabaseWrapper, was: Column, is_now: Column) -> str:
    if was.default is None or was.default == is_now.default:
        return ""
    if is_now.default is None:
        return "the release that is live counts on the column's default, which goes"
    return "rows that the release that is live adds get another default than it counts on"


def _relation(connection: BaseDatabaseWrapper, was: Column, is_now: Column) -> str:
    if was.on_delete and was.on_delete != is_now.on_delete:
        return "the release that is live leaves it to the database what becomes of the row when the other one goes"
    if was.refers_to and is_now.refers_to and was.refers_to != is_now.refers_to:
        return f"the change of `to`: it refers to {is_now.refers_to[0]} from then on"
    if is_now.constrained and not was.constrained:
        return "rows may be there, or be written, that refer to none"
    return ""
