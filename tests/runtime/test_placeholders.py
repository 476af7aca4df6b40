"""Placeholders have the form that a project parses at import."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import environ
import pytest

from pocket.manifest import SecretVariable, Stage
from pocket.runtime.placeholders import PLACEHOLDER, of_name, placeholders


def placeholders_of(*names: str, **declared: str) -> dict[str, str]:
    variables = [SecretVariable(name, "secretsmanager", "s") for name in names]
    variables += [SecretVariable(name, "secretsmanager", "s", placeholder=value) for name, value in declared.items()]
    return placeholders(Stage("s", secrets=tuple(variables)), {"MINE": "x"})


def test_variables_in_the_environment_get_no_placeholder() -> None:
    assert placeholders_of("SECRET_KEY", "MINE") == {"SECRET_KEY": PLACEHOLDER}


def test_placeholder_in_the_file_comes_first() -> None:
    found = placeholders_of(DATABASE_URL="postgres://a@b.invalid/c", EMPTY="", MINE="unused")
    assert found == {"DATABASE_URL": "postgres://a@b.invalid/c", "EMPTY": ""}


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("DATABASE_URL", lambda env: env.db("DATABASE_URL")["NAME"] == ":memory:"),
        ("REPLICA_DATABASE_URI", lambda env: env.db("REPLICA_DATABASE_URI")["ENGINE"].endswith("sqlite3")),
        ("CACHE_URL", lambda env: "redis" in env.cache("CACHE_URL")["BACKEND"]),
        ("EMAIL_URL", lambda env: env.email("EMAIL_URL")["EMAIL_HOST"] == "placeholder.invalid"),
        ("SEARCH_URL", lambda env: env.search_url("SEARCH_URL")["ENGINE"].endswith("SimpleEngine")),
        ("REDIS_PORT", lambda env: env.int("REDIS_PORT") == 1),
    ],
)
def test_django_environ_parses_placeholders(name: str, read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, of_name(name))
    assert read(environ.Env())


@pytest.mark.parametrize("name", ["DATABASE_URL", "SENTRY_DSN", "CELERY_BROKER_URL", "API_ENDPOINT", "EMAIL_URL"])
def test_url_can_be_split(name: str) -> None:
    found = urlsplit(of_name(name))
    assert found.scheme
    assert found.port is None or found.port > 0
    assert found.hostname in {None, "placeholder.invalid"}
