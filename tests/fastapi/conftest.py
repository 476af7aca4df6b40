"""The API project on each database, and each way of serving it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgi_client import Client, LambdaClient, ServerClient
from django_project import project
from postgres import Postgres
from sessions import settled


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API project set up on a database with its tables; the vendor's name."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        environ = {"API_POSTGRES_PORT": str(server.port)}
    else:
        file: Path = tmp_path_factory.mktemp("api") / "db.sqlite3"
        environ = {"API_SQLITE_FILE": str(file)}
    with project("api", "api_settings", environ):
        from django.core.management import call_command

        call_command("migrate", run_syncdb=True, verbosity=0)
        yield request.param
        from pocket.django.orm.threads import ASIDE, POOL

        settled()  # a thread in use would keep a connection to this database
        POOL.close()
        ASIDE.close()


@pytest.fixture
def books(database: str) -> Iterator[list[Any]]:
    """Three books of two authors, in the order of their ids."""
    from library.models import Author, Book, Tag

    novelist = Author.objects.create(name="Novelist")
    essayist = Author.objects.create(name="Essayist")
    tag = Tag.objects.create(word="old")
    stored = [
        Book.objects.create(title="First", author=novelist, pages=100),
        Book.objects.create(title="Second", author=essayist, pages=600, kind="essay"),
        Book.objects.create(title="Third", author=novelist, pages=300),
    ]
    stored[0].tags.add(tag)
    yield stored
    Author.objects.all().delete()
    Tag.objects.all().delete()


@pytest.fixture
def psycopg_pool(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A pool of at most four connections, which Django takes one from for each request; on PostgreSQL."""
    from django.db import connection, connections

    from pocket.django.orm.threads import POOL

    settings = connections.settings["default"]
    POOL.close()
    connections.close_all()
    with monkeypatch.context() as patch:
        patch.setitem(settings, "CONN_MAX_AGE", 0)
        pool = {"min_size": 1, "max_size": 4, "timeout": 10}
        patch.setitem(settings, "OPTIONS", {**settings["OPTIONS"], "pool": pool})
        opened: Any = connection.pool  # type: ignore[attr-defined]  # of PostgreSQL's
        opened.open(wait=True)
        yield opened
        settled()
        POOL.close()
        connections.close_all()
        connection.close_pool()  # type: ignore[attr-defined]


@pytest.fixture(params=["server", "lambda"])
def serving(request: pytest.FixtureRequest, database: str) -> type[Client]:
    """How an application is served: concurrently, as uvicorn does it, or one request at a time, as in Lambda."""
    return LambdaClient if request.param == "lambda" else ServerClient


@pytest.fixture
def client(serving: type[Client]) -> Iterator[Client]:
    """A client of the whole project's API."""
    from pocket.fastapi import create_app

    with serving(create_app(title="Library")) as client:
        yield client
