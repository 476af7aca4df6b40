"""A database is described so that a person recognises it, and nothing that opens it is told."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from checking import checked
from django.core.management import call_command
from django.db import connection
from django.db.utils import ConnectionHandler

from pocket.django.schema_changes.place import described


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
def test_a_connection_string_in_the_names_place_is_not_told(name: str) -> None:
    assert "swordfish" not in json.dumps(of(NAME=name))


def test_the_command_describes_the_database_and_changes_nothing() -> None:
    out = io.StringIO()
    call_command("pocket_migrations", "--where", stdout=out)
    assert json.loads(out.getvalue()) == {
        "kind": "SQLite",
        "name": str(connection.settings_dict["NAME"]),
        "host": "",
    }
