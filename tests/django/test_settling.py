"""Each request and command gets a clean connection, whatever the one before left: API, site and commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgi_client import http_event
from django_project import project


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file: Path = tmp_path_factory.mktemp("settling") / "db.sqlite3"
    environ = {"API_SQLITE_FILE": str(file)}
    if request.param == "postgresql":
        environ = {"API_POSTGRES_PORT": str(request.getfixturevalue("postgres").port)}
    with project("api", "api_settings", environ):
        from django.core.management import call_command

        call_command("migrate", run_syncdb=True, verbosity=0)
        yield request.param


def enter_atomic() -> None:
    from django.db import transaction

    transaction.atomic().__enter__()
    write()


def enter_atomic_twice() -> None:
    enter_atomic()
    enter_atomic()


def fail_within() -> None:
    from django.db import DatabaseError, connection, transaction

    transaction.atomic().__enter__()
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")


def close_within() -> None:
    from django.db import connection

    enter_atomic()
    connection.close()


def switch_autocommit_off() -> None:
    from django.db import transaction

    transaction.set_autocommit(False)
    write()


def begin_by_hand() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
    write()


def write() -> None:
    from library.models import Author

    Author.objects.create(name=f"Lost {uuid4()}")


WAYS = (enter_atomic, enter_atomic_twice, fail_within, close_within, switch_autocommit_off, begin_by_hand)


def is_clean() -> bool:
    from django.db import connection, transaction
    from library.models import Author

    assert not Author.objects.filter(name__startswith="Lost").exists()
    with transaction.atomic():
        Author.objects.create(name="Kept")
    kept = Author.objects.filter(name="Kept").delete()[0]
    return kept == 1 and connection.get_autocommit() and not connection.in_atomic_block


@pytest.mark.parametrize("leave", WAYS)
def test_connection_that_is_not_clean_is_discarded_and_logged(
    database: str, leave: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from pocket.django.configuration.databases import settle

    leave()
    assert settle() == ["default"]
    assert "on the database default was left open and is rolled back" in caplog.text
    assert is_clean()
    caplog.clear()
    assert settle() == []
    assert not caplog.text


def test_clean_connection_is_kept(database: str) -> None:
    from django.db import connection

    from pocket.django.configuration.databases import settle

    connection.ensure_connection()
    raw = connection.connection
    assert settle() == []
    assert connection.connection is raw


def test_transaction_around_the_work_is_not_changed(database: str, caplog: pytest.LogCaptureFixture) -> None:
    from django.db import connection, transaction

    from pocket.django.configuration.databases import open_transactions, settle

    with transaction.atomic():
        outer = open_transactions()
        with transaction.atomic():
            assert settle(outer) == []
            assert "transaction on the database default was left open" in caplog.text
        caplog.clear()
        assert settle(outer) == []
        assert connection.in_atomic_block
    assert not caplog.text
    assert open_transactions() == {}


@pytest.mark.parametrize("leave", WAYS)
def test_page_leaves_a_clean_connection(database: str, leave: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import api_urls
    from django.http import HttpResponse
    from django.urls import clear_url_caches, path

    from pocket.django.http.wsgi import make_wsgi_handler

    def leaving(request: Any) -> HttpResponse:
        leave()
        return HttpResponse("left")

    monkeypatch.setattr(api_urls, "urlpatterns", [path("leaving/", leaving), path("clean/", clean)])
    clear_url_caches()
    handler = make_wsgi_handler()
    assert handler(http_event("GET", "/leaving/"), None)["body"] == "left"  # type: ignore[call-overload]
    assert handler(http_event("GET", "/clean/"), None)["body"] == "True"  # type: ignore[call-overload]
    clear_url_caches()


def clean(request: Any) -> Any:
    from django.http import HttpResponse

    return HttpResponse(str(is_clean()))


@pytest.mark.parametrize("leave", WAYS)
def test_command_leaves_a_clean_connection(database: str, leave: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core import management
    from django.core.management.base import BaseCommand

    from pocket.django.commands.command import run

    class Command(BaseCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            leave()

    commands = {**management.get_commands(), "leaving": Command()}
    monkeypatch.setattr(management, "get_commands", lambda: commands)
    assert run({"command": "leaving"})["exit_status"] == 0
    assert is_clean()
