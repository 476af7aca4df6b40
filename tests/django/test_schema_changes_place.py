"""A database is described so that a person recognises it, and nothing that opens it is told."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checking import checked
from django.core.management import call_command
from django.db import connection
from django.db.utils import ConnectionHandler
from postgres import Postgres

from pocket.django.schema_changes.place import described, in_words


@pytest.fixture(scope="module", autouse=True)
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with checked(tmp_path_factory.mktemp("checked")):
        yield


def of(**entry: Any) -> dict[str, str]:
    server = {"ENGINE": "django.db.backends.postgresql", "USER": "app", "PASSWORD": "swordfish"}
    return described(ConnectionHandler({"default": {**server, **entry}})["default"])


def test_a_server_has_its_host_and_no_password() -> None:
    found = of(NAME="shop", HOST="db.example.com", PORT=5433)
    assert found == {"kind": "PostgreSQL", "name": "shop", "host": "db.example.com:5433"}
    assert of(NAME="shop")["host"] == ""


@pytest.mark.parametrize("name", ["postgres://app:swordfish@db/shop", "dbname=shop password=swordfish"])
def test_a_connection_string_as_name_is_not_shown(name: str) -> None:
    assert "swordfish" not in json.dumps(of(NAME=name))


def test_the_list_of_what_is_pending_describes_the_database() -> None:
    out = io.StringIO()
    call_command("pocket_migrations", stdout=out)
    assert json.loads(out.getvalue())["database"] == {
        "kind": "SQLite",
        "name": str(connection.settings_dict["NAME"]),
        "host": "",
    }


def test_a_session_has_the_values_of_a_service_file(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "services"
    file.write_text(f"[shop]\nhost=127.0.0.1\nport={postgres.port}\nuser=postgres\ndbname=postgres\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    entry = {"ENGINE": "django.db.backends.postgresql", "NAME": "", "OPTIONS": {"service": "shop"}}
    session = ConnectionHandler({"default": entry})["default"]
    try:
        assert in_words(session) == f"PostgreSQL postgres at 127.0.0.1:{postgres.port}"
    finally:
        session.close()
