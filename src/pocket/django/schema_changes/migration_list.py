"""The migrations of a release, with a label for each operation.

An operation is destructive if data is lost, or if the live release may fail with the schema after it:
https://docs.djangoproject.com/en/stable/ref/migration-operations/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.backends.utils import truncate_name
from django.db.migrations import AlterModelTable, CreateModel, RenameModel, SeparateDatabaseAndState
from django.db.migrations.executor import MigrationExecutor

from pocket.django.schema_changes.labels import Labeller
from pocket.django.schema_changes.place import described

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.migrations import Migration


def known(connection: BaseDatabaseWrapper) -> list[str]:
    """Every migration in the project's code, as `app.name`, in an order in which they can be applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    return [_name(migration) for migration, _ in plan]


def pending(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """The pending migrations of the database, for JSON.

    `database` is `place.described`; `used` is whether the database has a table of their apps. `migrations`, in their
    order, have `migration` as `app.name`, `whole`, which is True if a failed migration is rolled back as a whole, and
    `operations`, each with `operation`, Django's description, and `reason`, why it is destructive ("" if additive).

    Raises InconsistentMigrationHistory.
    """
    executor: Any = MigrationExecutor(connection)
    executor.loader.check_consistent_history(connection)
    state = executor._create_project_state(with_applied_migrations=True)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    labeller = Labeller(connection, state)
    migrations = [_described(labeller, migration) for migration, _ in plan]
    whole = connection.features.can_rollback_ddl
    return {
        "database": described(connection),
        "used": _used(connection, executor.loader, {migration.app_label for migration, _ in plan}),
        "migrations": [
            {**item, "whole": whole and migration.atomic} for item, (migration, _) in zip(migrations, plan, strict=True)
        ],
    }


def beyond(connection: BaseDatabaseWrapper, names: Collection[str], *, connects: bool = True) -> list[dict[str, Any]]:
    """The migrations in the code that are not in `names`, applied or not, as in `pending`.

    Unless it `connects`, only the kind of the database is used, and the database need not exist.
    """
    executor: Any = MigrationExecutor(connection if connects else None)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    seen = set(names)
    labeller = Labeller(connection, executor._create_project_state())
    found = []
    for migration, _ in plan:
        replaced = {f"{app}.{name}" for app, name in migration.replaces}
        if _name(migration) in seen or (replaced and replaced <= seen):
            labeller.skip(migration)
        else:
            found.append(_described(labeller, migration))
    return found


def _described(labeller: Labeller, migration: Migration) -> dict[str, Any]:
    labelled = [{"operation": operation, "reason": reason} for operation, reason in labeller.label(migration)]
    return {"migration": _name(migration), "operations": labelled}


def _used(connection: BaseDatabaseWrapper, loader: Any, apps: Collection[str]) -> bool:
    """Whether the database has a table that a migration of those apps creates, recorded as applied or not."""
    if not apps:
        return False
    existing = {name.casefold() for name in connection.introspection.table_names()}
    longest = connection.ops.max_name_length()
    return any(
        '"' in table or truncate_name(table, longest).casefold() in existing
        for (app, _), migration in loader.disk_migrations.items()
        if app in apps
        for table in _tables(app, migration.operations)
    )


def _tables(app: str, operations: Iterable[Any]) -> Iterator[str]:
    """The names that the operations give to tables; a quoted one may be in another schema."""
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from _tables(app, [*operation.state_operations, *operation.database_operations])
        elif isinstance(operation, CreateModel):
            if operation.options.get("managed", True) and not operation.options.get("proxy", False):
                yield operation.options.get("db_table") or f"{app}_{operation.name_lower}"
        elif isinstance(operation, RenameModel):
            yield f"{app}_{operation.new_name_lower}"
        elif isinstance(operation, AlterModelTable) and operation.table:
            yield operation.table


def _name(migration: Migration) -> str:
    return f"{migration.app_label}.{migration.name}"
