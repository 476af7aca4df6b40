"""Each label is held against what happens: the operation runs on a real database, and the old release goes on writing.

An additive operation has to leave nothing broken. A destructive one has to break something, but for those that are
called so with care: the cases say which.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from checking import checked
from django.db import DatabaseError, connections, migrations
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
from django.db.migrations.state import ProjectState
from old_release import OldRelease, apply
from postgres import Postgres
from schema_operations import CASES, POSTGRESQL, Case, before

from pocket.django.schema_changes.labels import Labeller


@pytest.fixture(scope="module", autouse=True)
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with checked(tmp_path_factory.mktemp("checked")):
        yield


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseDatabaseWrapper]:
    """An empty database of the kind asked for, under its kind as alias."""
    kind: str = request.param
    entry = {**connections.settings["default"], "OPTIONS": {}, "NAME": str(tmp_path / "db.sqlite3")}
    connection: BaseDatabaseWrapper = SQLite(entry, kind)
    if kind == POSTGRESQL:
        server: Postgres = request.getfixturevalue("postgres")
        place = {"HOST": "127.0.0.1", "PORT": server.port, "USER": "postgres", "NAME": "postgres"}
        options = {"options": "-c search_path=truth"}
        connection = PostgreSQL({**entry, **place, "OPTIONS": options}, kind)
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS truth CASCADE")
            cursor.execute("CREATE SCHEMA truth")
    connections[kind] = connection
    yield connection
    connection.close()
    del connections[kind]


TRIED = [pytest.param(kind, case, id=f"{case.name}, {kind}") for case in CASES for kind in sorted(case.on)]


def test_sixty_operations_are_tried() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize(("database", "case"), TRIED, indirect=["database"])
def test_the_label_is_what_happens(database: BaseDatabaseWrapper, case: Case) -> None:
    state = apply(database, ProjectState(), before(case))
    shelf = state.apps.get_model("shop", "Shelf").objects.using(database.alias)
    shelf.create(code="a"), shelf.create(code="b")
    old = OldRelease(database, state, "Product")
    old.fill(case.rows)
    labeller = Labeller(database, state.clone())
    change = migrations.Migration("0002_change", "shop")
    change.operations = list(case.operations)
    reasons = [reason for _, reason in labeller.label(change) if reason]
    assert bool(reasons) == (database.vendor in case.destructive), reasons
    try:
        apply(database, state.clone(), case.operations)
        faults = old.faults(case.rows if case.later is None else case.later)
    except DatabaseError as error:
        faults = [str(error)]
    breaks = case.destructive - case.cautious
    assert bool(faults) == (database.vendor in breaks), faults
