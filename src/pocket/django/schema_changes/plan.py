"""The migrations that a release brings, each operation with what speaks against it while an older release answers.

An operation is destructive where data is lost by it, or where the release that is live may not run on the schema
after it: https://docs.djangoproject.com/en/stable/ref/migration-operations/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.migrations.executor import MigrationExecutor

from pocket.django.schema_changes.labels import Judge

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.migrations import Migration


def known(connection: BaseDatabaseWrapper) -> list[str]:
    """Every migration of the project's code, as `app.name`, in an order in which they could be applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    return [_name(migration) for migration, _ in plan]


def pending(connection: BaseDatabaseWrapper) -> list[dict[str, Any]]:
    """The migrations that the database has not seen, described.

    Each: `migration` as `app.name`, and `operations`, each with `operation` in Django's words and `reason`, why it is
    destructive, "" where it is additive. Raises InconsistentMigrationHistory.
    """
    executor: Any = MigrationExecutor(connection)
    executor.loader.check_consistent_history(connection)
    state = executor._create_project_state(with_applied_migrations=True)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    judge = Judge(connection, state)
    return [_described(judge, migration) for migration, _ in plan]


def beyond(connection: BaseDatabaseWrapper, names: Collection[str]) -> list[dict[str, Any]]:
    """As `pending`: the migrations of the code that are not among `names`, applied or not."""
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


def _name(migration: Migration) -> str:
    return f"{migration.app_label}.{migration.name}"
