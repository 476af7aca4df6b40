"""An old release that goes on writing after a migration: its models' INSERT, UPDATE, SELECT, upsert and DELETE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db import DatabaseError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.state import ProjectState

Row = Mapping[str, Any]


def apply(connection: BaseDatabaseWrapper, state: ProjectState, operations: Sequence[Any]) -> ProjectState:
    """Carries the operations out as a migration of the app `shop`, whole or not at all; the state after them."""
    migration = Migration("0001_change", "shop")
    migration.operations = list(operations)
    atomic = all(getattr(operation, "atomic", True) for operation in operations)
    with connection.schema_editor(atomic=atomic) as editor:
        return migration.apply(state, editor)


class OldRelease:
    """The models of a state, in a database whose schema may have moved on."""

    def __init__(self, connection: BaseDatabaseWrapper, state: ProjectState, model: str) -> None:
        self.connection = connection
        self.model: Any = state.apps.get_model("shop", model)
        self.objects = self.model.objects.using(connection.alias)
        self.rows: list[Any] = []
        self.seen: list[Row] = []

    def fill(self, rows: Sequence[Row]) -> None:
        """Adds the rows, and remembers how they read."""
        self.rows = [self.objects.create(**row) for row in rows]
        self.seen = list(self.read())

    def read(self) -> Iterator[Row]:
        """Every row, as the release sees it."""
        yield from self.objects.order_by("pk").values()

    def faults(self, rows: Sequence[Row]) -> list[str]:
        """What goes wrong when the release does all that it did before; `rows` are those that it adds."""
        acts: list[tuple[str, Callable[[], None]]] = [
            ("SELECT", self._select),
            *((f"INSERT {row}", lambda row=row: self._insert(row)) for row in rows),
            ("UPDATE", self._update),
            *((f"upsert by {unique}", lambda unique=unique: self._upsert(unique)) for unique in self._unique_sets()),
            ("many to many", self._relate),
            ("DELETE", self.rows[0].delete),
            ("DELETE of what a row refers to", self._delete_referred),
        ]
        found = []
        for name, act in acts:
            try:
                with transaction.atomic(using=self.connection.alias):
                    act()
            except (DatabaseError, AssertionError, models.ObjectDoesNotExist) as error:
                found.append(f"{name}: {type(error).__name__}: {str(error).strip().splitlines()[0]}")
        return found

    def _select(self) -> None:
        assert list(self.read()) == self.seen, "the rows read differently"

    def _insert(self, row: Row) -> None:
        """Adds a row; what it leaves to the database comes out as it came out before."""
        made = self.objects.create(**row)
        found = self.objects.values().get(pk=made.pk)
        for field in self.model._meta.concrete_fields:
            if field.has_db_default() and field.attname not in row:
                assert found[field.attname] == self.seen[0][field.attname], f"{field.name} has another default"

    def _update(self) -> None:
        for row in self.rows:
            row.save(force_update=True, using=self.connection.alias)

    def _unique_sets(self) -> list[list[str]]:
        meta = self.model._meta
        alone = [[field.name] for field in meta.concrete_fields if field.unique and not field.primary_key]
        constraints = [list(item.fields) for item in meta.constraints if isinstance(item, models.UniqueConstraint)]
        return [*alone, *map(list, meta.unique_together), *constraints]

    def _upsert(self, unique: list[str]) -> None:
        row = self.rows[0]
        values = {field.attname: getattr(row, field.attname) for field in self.model._meta.concrete_fields}
        values.pop("id")
        count = self.objects.count()
        others = [field.name for field in self.model._meta.concrete_fields if field.name not in {"id", *unique}]
        self.objects.bulk_create(
            [self.model(**values)], update_conflicts=True, unique_fields=unique, update_fields=others or unique
        )
        assert self.objects.count() == count, "the upsert added a row"

    def _delete_referred(self) -> None:
        row = self.rows[-1]
        for field in self.model._meta.concrete_fields:
            if field.remote_field and row.pk is not None:
                others = field.remote_field.model.objects.using(self.connection.alias)
                for other in others.filter(pk=getattr(row, field.attname)):
                    other.delete()

    def _relate(self) -> None:
        for field in self.model._meta.many_to_many:
            other = field.remote_field.model.objects.using(self.connection.alias).first()
            relation = getattr(self.rows[0], field.name)
            relation.add(other)
            assert other in relation.all()
