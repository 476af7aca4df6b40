"""The migrations that a release brings, each operation with what speaks against it while an older release answers.

An operation is destructive where data is lost by it, or where the release that is live may not run on the schema
after it: https://docs.djangoproject.com/en/stable/ref/migration-operations/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.backends.utils import truncate_name
from django.db.migrations import AlterModelTable, CreateModel, RenameModel, SeparateDatabaseAndState
from django.db.migrations.executor import MigrationExecutor

from pocket.django.schema_changes.labels import Judge
from pocket.django.schema_changes.place import described

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.migrations import Migration


def known(connection: BaseDatabaseWrapper) -> list[str]:
    """Every migration of the project's code, as `app.name`, in an order in which they could be applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    return [_name(migration) for migration, _ in plan]


def pending(connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """The migrations that the database has not seen, described, and what they meet there.

    `database` is its `place.described`, `used` whether it has a table of the apps that they are of. `migrations` are,
    in their order: `migration` as `app.name`; `whole`, whether all of it is undone if it fails; and `operations`, each
    with `operation` in Django's words and `reason`, why it is destructive, "" where it is additive.

    Raises InconsistentMigrationHistory.
    """
    executor: Any = MigrationExecutor(connection)
    executor.loader.check_consistent_history(connection)
    state = executor._create_project_state(with_applied_migrations=True)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    judge = Judge(connection, state)
    migrations = [_described(judge, migration) for migration, _ in plan]
    whole = connection.features.can_rollback_ddl
    return {
        "database": described(connection),
        "used": _used(connection, executor.loader, {migration.app_label for migration, _ in plan}),
        "migrations": [
            {**item, "whole": whole and migration.atomic} for item, (migration, _) in zip(migrations, plan, strict=True)
        ],
    }


def beyond(connection: BaseDatabaseWrapper, names: Collection[str]) -> list[dict[str, Any]]:
    """As the migrations of `pending`: the migrations of the code that are not among `names`, applied or not."""
    executor: Any = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    seen = set(names)
    judge = Judge(connection, executor._create_project_state())
    found = []
    for migration, _ in plan:
        replaced = {f"{app}.{name}" for app, name in migration.replaces}
        if _name(migration) in seen or (replaced and replaced <= seen):
            judge.pass_by(migration)
        else:
            found.append(_described(judge, migration))
    return found


def _described(judge: Judge, migration: Migration) -> dict[str, Any]:
    labelled = [{"operation": operation, "reason": reason} for operation, reason in judge.label(migration)]
    return {"migration": _name(migration), "operations": labelled}


def _used(connection: BaseDatabaseWrapper, loader: Any, apps: Collection[str]) -> bool:
    """Whether there is a table that a migration of those apps makes, whatever is recorded of it."""
    if not apps:
        return False
    there = {name.casefold() for name in connection.introspection.table_names()}
    longest = connection.ops.max_name_length()
    return any(
        '"' in table or truncate_name(table, longest).casefold() in there
        for (app, _), migration in loader.disk_migrations.items()
        if app in apps
        for table in _tables(app, migration.operations)
    )


def _tables(app: str, operations: Iterable[Any]) -> Iterator[str]:
    """The names that the operations give to tables; one in quotes may lie in another schema."""
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
