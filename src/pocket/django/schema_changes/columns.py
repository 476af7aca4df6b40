"""A field's column in the database: the facts that affect rows and other releases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True)
class Column:
    """A field as the database has it; columns with the same SQL are equal.

    `kind` is Django's internal type and `definition` the SQL. `range` has the least and greatest number of an integer
    type, `digits` a decimal's digits and places, `default` the SQL of the database's default. `on_delete` is what the
    database does when the referenced row is deleted; "" if Django does it.
    """

    definition: str
    kind: str
    type: str
    check: str | None
    collation: str | None
    suffix: str | None
    length: int | None
    range: tuple[int, int] | None
    digits: tuple[int, int]
    null: bool
    unique: bool
    indexed: bool
    primary_key: bool
    generated: bool
    default: str | None
    refers_to: tuple[str, str] | None
    constrained: bool
    on_delete: str

    def __eq__(self, other: object) -> bool:
        """Whether both have the same SQL, which does not contain the kind."""
        return isinstance(other, Column) and self._sql == other._sql

    def __hash__(self) -> int:
        return hash(self._sql)

    @property
    def _sql(self) -> tuple[object, ...]:
        refers_to = self.refers_to if self.constrained else None
        return self.definition, self.check, refers_to, self.on_delete


def column_of(connection: BaseDatabaseWrapper, editor: Any, field: Any) -> Column:
    """The column of a field that has one; `editor` is a schema editor of the connection, which changes nothing."""
    parameters = field.db_parameters(connection=connection)
    definition, values = editor.column_sql(field.model, field)
    kind = field.get_internal_type()
    remote = field.remote_field
    # By Django's integer types; SQLite's own method returns what the column could hold.
    ranges: Any = connection.ops.integer_field_ranges
    return Column(
        definition=f"{definition} {values}",
        kind=kind,
        type=parameters["type"],
        check=parameters.get("check"),
        collation=parameters.get("collation"),
        suffix=field.db_type_suffix(connection=connection),
        length=field.max_length,
        range=ranges.get(kind),
        digits=(getattr(field, "max_digits", None) or 0, getattr(field, "decimal_places", None) or 0),
        null=field.null,
        unique=field.unique,
        indexed=field.unique or field.db_index,
        primary_key=field.primary_key,
        generated=getattr(field, "generated", False),
        default=str(editor.db_default_sql(field)) if field.has_db_default() else None,
        refers_to=(remote.model._meta.db_table, field.target_field.column) if remote else None,
        constrained=bool(remote and field.db_constraint),
        on_delete=_on_delete(remote) if remote else "",
    )


def _on_delete(remote: Any) -> str:
    """The database's own action, available since Django 6.1."""
    operation = getattr(remote.on_delete, "operation", None)
    return str(operation) if operation else ""
