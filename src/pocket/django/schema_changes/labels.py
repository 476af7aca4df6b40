"""Labels: which operations of a migration are additive, and why the others are destructive.

Each operation is examined between the states before and after it, on a connection, whose backend translates fields
into columns. Operations on a table that the same migrations create are additive: it has no data, and no older release
uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import router
from django.db.migrations import operations as django_operations
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.models import ModelOperation
from django.db.models import UniqueConstraint

from pocket.django.schema_changes.expressions import never_fails
from pocket.django.schema_changes.fields import UPSERTED, added, altered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.migrations import Migration
    from django.db.migrations.state import ProjectState

LOST = "the data in it is lost"
RENAMED = "the live release uses the old name"
UNKNOWN = "its effect is unknown"
CONSTRAINED = "the live release may write rows that it refuses, and existing rows may violate it"

HARMLESS = frozenset(
    {
        "django.contrib.auth.migrations.0011_update_proxy_permissions.update_proxy_model_permissions",
        "django.db.migrations.operations.special.RunPython.noop",
    }
)
"""Known functions of `RunPython`: Django's own, which moves permissions of proxy models, and the one that does nothing.
"""

_ADDITIVE = frozenset(
    {
        "AlterConstraint",
        "AlterIndexTogether",
        "AlterModelManagers",
        "AlterModelOptions",
        "AlterModelTableComment",
        "CreateCollation",
        "CreateExtension",
        "CreateModel",
        "RemoveIndex",
        "RenameIndex",
        "ValidateConstraint",
    }
)


class Labeller:
    """Labels migrations in order, beginning with `state`; remembers the tables that they create."""

    def __init__(self, connection: BaseDatabaseWrapper, state: ProjectState) -> None:
        self._connection = connection
        self._state = state
        self._created: set[tuple[str, str]] = set()

    def skip(self, migration: Migration) -> None:
        """Applies the migration to the state without labels."""
        self._state = migration.mutate_state(self._state, preserve=False)

    def label(self, migration: Migration) -> Iterator[tuple[str, str]]:
        """Each operation of the migration, as Django describes it, and why it is destructive; "" if it is additive."""
        app = migration.app_label
        for operation in migration.operations:
            before = self._state
            self._state = before.clone()
            operation.state_forwards(app, self._state)
            try:
                reason = self._reason(app, operation, before, self._state)
            except Exception as error:  # noqa: BLE001 - operations of projects may raise anything, which is shown
                reason = f"{UNKNOWN} ({type(error).__name__}: {error})"
            yield operation.describe(), reason

    def _reason(self, app: str, operation: Operation, before: ProjectState, after: ProjectState) -> str:
        if isinstance(operation, django_operations.SeparateDatabaseAndState):
            return self._reason_inside(app, operation, before)
        kind = _kind(operation)
        model = _model(operation)
        if kind in _RUN and not router.allow_migrate(self._connection.alias, app, **operation.hints):  # type: ignore[attr-defined] # both of the kind have hints
            return ""
        if model and not self._touches(app, model, before, after):
            return ""
        if kind == "CreateModel":
            self._created.add((app, model))
        if (app, model) in self._created:
            if isinstance(operation, django_operations.RenameModel):
                self._created.add((app, operation.new_name_lower))
            return "" if kind else UNKNOWN
        if kind in _ADDITIVE:
            return ""
        return _REASONS[kind](self._connection, app, operation, before, after) if kind in _REASONS else UNKNOWN

    def _reason_inside(
        self, app: str, operation: django_operations.SeparateDatabaseAndState, before: ProjectState
    ) -> str:
        """The first reason among the database operations, each in the state after those before it."""
        for inner in operation.database_operations:
            after = before.clone()
            inner.state_forwards(app, after)
            if reason := self._reason(app, inner, before, after):
                return f"{inner.describe()}: {reason}"
            before = after
        return ""

    def _touches(self, app: str, model: str, before: ProjectState, after: ProjectState) -> bool:
        """Whether the model has a table that the migrations create in this database."""
        if not router.allow_migrate(self._connection.alias, app, model_name=model):
            return False
        state = before.models.get((app, model)) or after.models.get((app, model))
        if state is None:
            return True
        swapped = getattr(settings, state.options.get("swappable") or "", None)
        if swapped and swapped.lower() != f"{app}.{model}":
            return False
        return state.options.get("managed", True) and not state.options.get("proxy", False)


def _kind(operation: Operation) -> str:
    """The name of Django's operation that this one is; "" for one of a project, or with another effect."""
    kinds = type(operation).__mro__
    acts = next(kind for kind in kinds if "database_forwards" in vars(kind))
    if not _is_django(acts):
        return ""
    return next((kind.__name__ for kind in kinds if _is_django(kind) and _is_known(kind.__name__)), "")


def _is_django(kind: type) -> bool:
    return kind.__module__.startswith(("django.db.migrations.", "django.contrib.postgres.operations"))


def _is_known(name: str) -> bool:
    return name in _ADDITIVE or name in _REASONS


def _model(operation: Operation) -> str:
    """The lowercase name of the operation's model; "" without one."""
    if isinstance(operation, django_operations.RenameModel):
        return operation.old_name_lower
    if isinstance(operation, ModelOperation):
        return operation.name_lower
    return str(getattr(operation, "model_name", "")).lower()


def _add_field(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    return added(connection, _field(after, app, operation.model_name_lower, operation.name))


def _remove_field(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    field = _field(before, app, operation.model_name_lower, operation.name)
    if field.many_to_many:
        return LOST if field.remote_field.through._meta.auto_created else ""
    return "" if field.db_type(connection) is None else LOST


def _alter_field(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    old = _field(before, app, operation.model_name_lower, operation.name)
    return altered(connection, old, _field(after, app, operation.model_name_lower, operation.name))


def _rename_field(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    old = _field(before, app, operation.model_name_lower, operation.old_name)
    new = _field(after, app, operation.model_name_lower, operation.new_name)
    same = old.column == new.column if not new.many_to_many else old.m2m_db_table() == new.m2m_db_table()
    return "" if same else RENAMED


def _rename_model(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    old = before.apps.get_model(app, operation.old_name)._meta.db_table
    return "" if old == after.apps.get_model(app, operation.new_name)._meta.db_table else RENAMED


def _alter_table(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    old = before.apps.get_model(app, operation.name)._meta.db_table
    return "" if old == after.apps.get_model(app, operation.name)._meta.db_table else RENAMED


def _alter_order(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    was = before.models[app, operation.name_lower].options.get("order_with_respect_to")
    if bool(was) == bool(operation.order_with_respect_to):
        return ""
    return LOST if was else "it adds the column _order, which the live release does not fill"


def _alter_unique(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    old = {tuple(item) for item in before.models[app, operation.name_lower].options.get("unique_together") or ()}
    new = {tuple(item) for item in operation.option_value or ()}
    return CONSTRAINED if new - old else UPSERTED if old - new else ""


def _remove_constraint(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    constraint = before.models[app, operation.model_name_lower].get_constraint_by_name(operation.name)
    return UPSERTED if isinstance(constraint, UniqueConstraint) else ""


def _add_index(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    if all(never_fails(connection, expression) for expression in operation.index.expressions):
        return ""
    return "its expression may fail for an existing row, or one that the live release writes"


def _run_python(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    code = operation.code
    return "" if f"{code.__module__}.{code.__qualname__}" in HARMLESS else UNKNOWN


def _run_sql(connection: Any, app: str, operation: Any, before: ProjectState, after: ProjectState) -> str:
    return "" if operation.sql in (django_operations.RunSQL.noop, []) else UNKNOWN


_REASONS: dict[str, Any] = {
    "AddConstraint": lambda *_: CONSTRAINED,
    "AddField": _add_field,
    "AddIndex": _add_index,
    "AlterField": _alter_field,
    "AlterModelTable": _alter_table,
    "AlterOrderWithRespectTo": _alter_order,
    "AlterUniqueTogether": _alter_unique,
    "DeleteModel": lambda *_: LOST,
    "RemoveConstraint": _remove_constraint,
    "RemoveField": _remove_field,
    "RenameField": _rename_field,
    "RenameModel": _rename_model,
    "RunPython": _run_python,
    "RunSQL": _run_sql,
}

_RUN = frozenset({"RunPython", "RunSQL"})


def _field(state: ProjectState, app: str, model: str, name: str) -> Any:
    return state.apps.get_model(app, model)._meta.get_field(name)
