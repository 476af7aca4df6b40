"""What a new or a changed field means to rows that are there, and to a release that does not know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper

UNFILLED = (
    "the release that is live does not fill it, so its INSERTs fail; give the field a `db_default=`, or let it be null"
)

_WIDER = {
    "CharField": {"TextField"},
    "SlugField": {"CharField", "TextField"},
    "SmallIntegerField": {"IntegerField", "BigIntegerField"},
    "IntegerField": {"BigIntegerField"},
    "PositiveSmallIntegerField": {"PositiveIntegerField", "PositiveBigIntegerField"},
    "PositiveIntegerField": {"PositiveBigIntegerField"},
    "SmallAutoField": {"AutoField", "BigAutoField"},
    "AutoField": {"BigAutoField"},
}
"""Field types that hold all that another one holds, read and written alike."""

_HARMLESS = frozenset({"auto_now", "auto_now_add", "db_comment", "db_index", "default", "max_length"})
"""Arguments that no row and no older release notices; a longer `max_length` shows in the type."""


def added(field: Any) -> str:
    """Why a new field is destructive, "" where it is additive."""
    if field.many_to_many or getattr(field, "generated", False) or field.null:
        return ""
    if not field.has_db_default():
        return UNFILLED
    return "rows that the release that is live adds get the same value, and it is unique" if field.unique else ""


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
    if reason := _type(connection, old, new):
        return reason
    was, is_now = _arguments(old), _arguments(new)
    for name in sorted(was.keys() | is_now.keys()):
        if was.get(name) != is_now.get(name) and name not in _HARMLESS:
            judge = _JUDGED.get(name)
            reason = judge(old, new) if judge else f"what the change of `{name}` does cannot be judged"
            if reason:
                return reason
    return ""


def _arguments(field: Any) -> dict[str, Any]:
    """The field's arguments that the database is told."""
    _, _, _, arguments = field.deconstruct()
    told = {name: value for name, value in arguments.items() if name not in field.non_db_attrs}
    return {**told, "to": field.remote_field.model._meta.db_table} if field.remote_field else told


def _type(connection: BaseDatabaseWrapper, old: Any, new: Any) -> str:
    was, is_now = old.db_parameters(connection)["type"], new.db_parameters(connection)["type"]
    kinds = old.get_internal_type(), new.get_internal_type()
    if was == is_now and kinds[0] == kinds[1]:
        return _length(old, new)
    if kinds[0] == kinds[1] and old.max_length != new.max_length:
        return _length(old, new)
    if kinds[1] in _WIDER.get(kinds[0], ()):
        return "" if kinds[1] == "TextField" else _length(old, new)
    return "" if was == is_now else f"it changes the column's type from {was} to {is_now}"


def _length(old: Any, new: Any) -> str:
    was, is_now = old.max_length, new.max_length
    if is_now is None or was == is_now or (was is not None and is_now > was):
        return ""
    return f"it shortens the column to {is_now} characters, and longer values may be there or be written"


def _null(old: Any, new: Any) -> str:
    if new.null:
        return ""
    return "the release that is live may write NULL, and rows with NULL may be there"


def _unique(old: Any, new: Any) -> str:
    if not new.unique:
        return ""
    return "the release that is live may write values twice, and rows with the same value may be there"


def _db_default(old: Any, new: Any) -> str:
    if new.has_db_default() or new.null:
        return ""
    return "the release that is live counts on the column's default, which goes"


def _db_constraint(old: Any, new: Any) -> str:
    return "rows may be there, or be written, that refer to none" if new.db_constraint else ""


_JUDGED: dict[str, Callable[[Any, Any], str]] = {
    "null": _null,
    "unique": _unique,
    "db_default": _db_default,
    "db_constraint": _db_constraint,
}
