"""`migrate` inside Lambda: one at a time, bounded, and ended in the database when the function's time is up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from postgres import Postgres
from shop import Shop, ended, migration
from waiting import wait_until

from pocket.django.schema_changes.migrate_command import _direct
from pocket.naming import MIGRATE_RUNS

FILL = """
def fill(apps, editor):
    apps.get_model("shop", "Product").objects.create(name="one more")
    meet("filling")
"""


@pytest.fixture
def server(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """A session of another user of the server, in a database of its own for the shop."""
    name = f"shop_{uuid4().hex[:8]}"
    with psycopg.connect(postgres.url, autocommit=True) as outside:
        outside.execute(f"CREATE DATABASE {name}")
        try:
            with psycopg.connect(postgres.url, dbname=name, autocommit=True) as connection:
                yield connection
        finally:
            outside.execute(f"DROP DATABASE {name} WITH (FORCE)")


def on_postgresql(server: psycopg.Connection[Any], **options: str) -> dict[str, Any]:
    info = server.info
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": info.dbname,
        "USER": info.user,
        "PASSWORD": "never-shown",
        "HOST": info.host,
        "PORT": info.port,
        "OPTIONS": options,
    }


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Mapping[str, Any]:
    if request.param == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
    return on_postgresql(request.getfixturevalue("server"))


@pytest.fixture
def shop(tmp_path: Path, database: Mapping[str, Any]) -> Iterator[Shop]:
    found = Shop(tmp_path, database)
    found.write()
    yield found
    found.close()


@pytest.fixture
def shop_on_postgresql(tmp_path: Path, server: psycopg.Connection[Any]) -> Iterator[Shop]:
    found = Shop(tmp_path, on_postgresql(server))
    found.write()
    yield found
    found.close()


def test_a_second_migrate_waits_and_is_refused_and_what_the_first_does_is_done_once(shop: Shop) -> None:
    shop.write(**{"0002_fill": migration("migrations.RunPython(fill)", code=FILL)})
    first = shop.begin()
    shop.met("filling")
    second = shop.invoke(seconds=2)
    assert second["exit_status"] == MIGRATE_RUNS
    assert "Another `migrate` runs in" in second["stderr"]
    assert "never-shown" not in second["stderr"]
    waiting = shop.begin()
    shop.go()
    assert ended(first)["exit_status"] == 0
    third = ended(waiting)
    assert third["exit_status"] == 0
    assert "No migrations to apply." in third["stdout"]
    assert shop.invoke("migrate", "--plan")["exit_status"] == 0
    assert not list(shop.folder.glob("*.migrate"))


def test_a_migrate_that_is_killed_leaves_no_lock(shop: Shop) -> None:
    shop.write(**{"0002_fill": migration("migrations.RunPython(fill)", code=FILL)})
    first = shop.begin()
    shop.met("filling")
    first.kill()
    first.communicate()
    shop.go()
    assert shop.invoke()["exit_status"] == 0


def test_what_only_looks_takes_no_lock(shop: Shop) -> None:
    shop.write(**{"0002_fill": migration("migrations.RunPython(fill)", code=FILL)})
    shop.begin()
    shop.met("filling")
    assert "shop.0002_fill" in shop.invoke("migrate", "--plan")["stdout"]
    assert shop.invoke("migrate", "--check")["exit_status"] == 1
    assert shop.invoke("migrate", "--database")["exit_status"] == 2
    assert "nowhere" in str(shop.invoke("migrate", "--database=nowhere"))
    shop.go()


def test_the_limits_and_the_database_are_shown(shop_on_postgresql: Shop, server: psycopg.Connection[Any]) -> None:
    output = shop_on_postgresql.invoke(seconds=100)["stdout"].splitlines()[0]
    place = f"PostgreSQL {server.info.dbname} at 127.0.0.1:{server.info.port}"
    assert re.fullmatch(rf"Migrating {place}: lock_timeout 10 s, statement_timeout [89]\d s\.", output)
    server.execute(f"ALTER DATABASE {server.info.dbname} SET statement_timeout = '1min'")
    shop_on_postgresql.database = on_postgresql(server, options="-c lock_timeout=1500")
    output = shop_on_postgresql.invoke(seconds=100)["stdout"].splitlines()[0]
    assert output == (
        f"Migrating {place}: lock_timeout 1.5 s (the project's own), statement_timeout 60 s (the project's own)."
    )


def test_a_statement_that_waits_for_a_lock_gives_up(shop_on_postgresql: Shop, server: psycopg.Connection[Any]) -> None:
    shop = shop_on_postgresql
    assert shop.invoke()["exit_status"] == 0
    shop.write(**{"0002_size": migration('migrations.AddField("product", "size", models.IntegerField(null=True))')})
    shop.database = on_postgresql(server, options="-c lock_timeout=300")
    with server.transaction():
        server.execute("LOCK TABLE shop_product IN ACCESS SHARE MODE")
        found = shop.invoke()
    assert found["exit_status"] == 1
    assert "canceling statement due to lock timeout" in found["stderr"]
    assert "Migrate again when the database is less busy" in found["stderr"]


SLEEP = 'migrations.RunSQL("SELECT pg_sleep(600)", "")'


def test_the_end_of_the_functions_time_ends_the_statement_in_the_database(
    shop_on_postgresql: Shop, server: psycopg.Connection[Any]
) -> None:
    shop = shop_on_postgresql
    shop.write(**{"0002_sleep": migration(SLEEP)})
    found = shop.invoke(seconds=4)
    assert found["exit_status"] == 1
    assert "`migrate` was stopped because the function's time is up" in found["stderr"]
    assert "Applying shop.0001_initial... OK" in found["stdout"]
    assert not running(server)


MANY = """
def many(apps, editor):
    for _ in range(100_000):
        with editor.connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01)")
"""


def test_many_short_statements_are_ended_as_well(shop_on_postgresql: Shop) -> None:
    shop_on_postgresql.write(**{"0002_many": migration("migrations.RunPython(many)", code=MANY)})
    found = shop_on_postgresql.invoke(seconds=4)
    assert "`migrate` was stopped because the function's time is up" in found["stderr"]


def running(server: psycopg.Connection[Any], since: str = "0 s") -> list[str]:
    """The statements that run in the shop's database, for that long at least."""
    rows = server.execute(
        "SELECT query FROM pg_stat_activity WHERE state = 'active' AND datname = current_database()"
        " AND pid <> pg_backend_pid() AND now() - query_start >= %s::interval",
        [since],
    ).fetchall()
    return [row[0] for row in rows]


def test_a_killed_function_leaves_no_statement_behind(
    shop_on_postgresql: Shop, server: psycopg.Connection[Any]
) -> None:
    shop_on_postgresql.write(**{"0002_sleep": migration(SLEEP)})
    process = shop_on_postgresql.begin(seconds=600)
    wait_until(lambda: "SELECT pg_sleep(600)" in running(server), 30)
    process.kill()
    wait_until(lambda: not running(server), 10)


CONCURRENTLY = """
from django.contrib.postgres.operations import AddIndexConcurrently
"""
INDEX = 'AddIndexConcurrently("product", models.Index(fields=["name"], name="by_name"))'


def test_an_index_is_built_concurrently_under_the_lock_and_waits_for_writers_beyond_lock_timeout(
    shop_on_postgresql: Shop, server: psycopg.Connection[Any]
) -> None:
    shop = shop_on_postgresql
    assert shop.invoke()["exit_status"] == 0
    shop.write(**{"0002_index": migration(INDEX, code=CONCURRENTLY, atomic=False)})
    shop.lock_timeout = 0.2
    with psycopg.connect(server.info.dsn) as writer:
        writer.execute("INSERT INTO shop_product (name) VALUES ('a')")
        process = shop.begin(seconds=60)
        wait_until(lambda: any("CONCURRENTLY" in query for query in running(server, "1 s")), 30)
        assert server.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (1,)
    found = ended(process)
    assert found["exit_status"] == 0, found
    valid = server.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_name'::regclass").fetchone()
    assert valid == (True,)
    assert json.loads(shop.invoke("pocket_migrations")["stdout"])["migrations"] == []


def test_a_pooler_of_neon_is_left_out() -> None:
    closed: list[str] = []
    settings = {"HOST": "ep-a-1-pooler.eu-central-1.aws.neon.tech"}
    connection: Any = SimpleNamespace(settings_dict=settings, close=lambda: closed.append(settings["HOST"]))
    with _direct(connection):
        assert settings["HOST"] == "ep-a-1.eu-central-1.aws.neon.tech"
    assert closed == ["ep-a-1-pooler.eu-central-1.aws.neon.tech", "ep-a-1.eu-central-1.aws.neon.tech"]
    assert settings["HOST"] == closed[0]
    settings["HOST"] = "db.example.com"
    with _direct(connection):
        assert settings["HOST"] == "db.example.com"
    assert len(closed) == 2
