"""The lock of `migrate`, on each kind of database; those on PostgreSQL and SQLite are tried in test_migration_run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from checking import checked
from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionHandler
from postgres import Postgres

from pocket.django.schema_changes import limits, migrate_lock
from pocket.naming import MIGRATE_RUNS


@pytest.fixture(scope="module", autouse=True)
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with checked(tmp_path_factory.mktemp("checked")):
        yield


@pytest.fixture
def another(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseDatabaseWrapper]:
    """A database of which no more is known than what Django says."""
    entry = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": postgres.port, "USER": "postgres"}
    handler = ConnectionHandler({"default": {**entry, "NAME": "postgres"}})
    monkeypatch.setattr(migrate_lock, "connections", handler)
    monkeypatch.setattr(migrate_lock, "_TAKE", {})
    connection: BaseDatabaseWrapper = handler["default"]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS django_migrations")
    yield connection
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS django_migrations")
    connection.close()


def test_elsewhere_the_first_migrations_row_is_held(another: BaseDatabaseWrapper) -> None:
    with migrate_lock.held(another, 0) as held:
        assert not held, "nothing is recorded, so nothing is to be held"
    recorder = MigrationRecorder(another)
    recorder.ensure_schema()
    with migrate_lock.held(another, 0) as held:
        assert not held
    with another.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0001_initial', now())")
    with migrate_lock.held(another, 0) as held:
        assert held
        with pytest.raises(CommandError, match="Another `migrate` runs in PostgreSQL postgres") as caught:  # noqa: SIM117
            with migrate_lock.held(another, 0.3):
                raise AssertionError("it is held already")
        assert caught.value.returncode == MIGRATE_RUNS
        with another.cursor() as cursor:
            cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0002', now())")
    with migrate_lock.held(another, 0) as held:
        assert held


def test_a_database_that_lacks_the_locks_of_the_one_it_passes_for_is_migrated_without(
    another: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(own: Any, cursor: Any) -> bool:
        cursor.execute("SELECT pg_try_no_such_lock(1)")
        return True

    monkeypatch.setattr(migrate_lock, "_TAKE", {"postgresql": unknown})
    with migrate_lock.held(another, 0) as held:
        assert not held


def test_a_session_that_goes_back_to_a_pool_is_as_it_was(
    another: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(another, "close", lambda: None)

    def now() -> tuple[Any, ...]:
        with another.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
            found: tuple[Any, ...] = cursor.fetchone()
            return found

    with limits.bounded(another, time.monotonic() + 103) as bounds:
        assert bounds[0] == "lock_timeout 10 s"
        assert now()[0] == "10s"
        assert now()[1] != "0"
    assert now() == ("0", "0")
    monkeypatch.undo()


class Cursor:
    """Answers as MariaDB 10.11 does, and remembers what it was asked."""

    def __init__(self, *rows: Sequence[Any]) -> None:
        self.rows = list(rows)
        self.asked: list[str] = []

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *error: object) -> None:
        """Stays open."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self.asked.append(sql % tuple(parameters))

    def fetchone(self) -> Sequence[Any]:
        return self.rows.pop(0)


@pytest.mark.parametrize(("answer", "taken"), [(1, True), (0, False), (None, False)])
def test_mysqls_lock_is_by_the_databases_name_and_outlasts_an_idle_connection(answer: Any, taken: bool) -> None:
    cursor = Cursor([answer])
    assert migrate_lock._mysql(None, cursor) is taken
    assert cursor.asked == [
        "SET SESSION wait_timeout = 86400",
        "SELECT GET_LOCK(CONCAT('pocket migrate ', SHA1(DATABASE())), 0)",
    ]


def test_mysqls_year_of_waiting_for_a_lock_becomes_seconds_and_the_projects_own_stays() -> None:
    cursor = Cursor([31536000, 31536000])
    connection = SimpleNamespace(cursor=lambda: cursor)
    assert limits._mysql(connection, 90.4) == {"lock_wait_timeout": "10 s", "each statement": "90 s"}
    assert cursor.asked[1:] == ["SET SESSION lock_wait_timeout = 10"]
    cursor = Cursor([31536000, 60])
    assert limits._mysql(SimpleNamespace(cursor=lambda: cursor), None) == {
        "lock_wait_timeout": "60 s (the project's own)"
    }
    assert len(cursor.asked) == 1
