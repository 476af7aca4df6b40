"""The backend with IAM: a real PostgreSQL behind a proxy that speaks TLS and checks each token with botocore."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from django_project import project
from fresh import write_manifest
from postgres import Postgres
from token_proxy import HOST, KEYS, TokenProxy, certificate

from pocket.django.configuration.database_urls import entry
from pocket.django.databases.iam import base
from pocket.django.schema_changes import grants
from pocket.errors import AWSCallFailed
from pocket.manifest import Database, Handler, Stage
from pocket.runtime import rds


@pytest.fixture(scope="module", autouse=True)
def django() -> Iterator[None]:
    if settings.configured:
        yield
        return
    with project("api", "api_settings", {}):
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def proxy(
    postgres: Postgres, files: tuple[Path, Path], no_aws: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TokenProxy]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(rds, "roots", lambda host: str(files[0]))
    monkeypatch.setattr(base, "PAUSE", 0.05)
    proxy = TokenProxy(postgres.port, files)
    yield proxy
    proxy.close()


def connection(proxy: TokenProxy, **options: Any) -> Any:
    """A connection as settings make it of the URL; only the host's address is another."""
    found = entry(f"pocket.django.databases.iam://postgres@{HOST}:{proxy.port}/postgres")
    assert found is not None
    handler = ConnectionHandler({"default": {**found, "OPTIONS": {"hostaddr": "127.0.0.1", **options}}})
    return handler["default"]


def user(of: Any) -> str:
    try:
        with of.cursor() as cursor:
            cursor.execute("SELECT current_user")
            return str(cursor.fetchone()[0])
    finally:
        of.close()


def test_each_connection_has_a_fresh_token(proxy: TokenProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    used = connection(proxy)
    assert user(used) == "postgres"
    later = time.time() + 60
    monkeypatch.setattr("pocket.runtime.rds.time.time", lambda: later)
    assert user(used) == "postgres"
    assert len(proxy.tokens) == 2
    assert proxy.tokens[0] != proxy.tokens[1]
    assert used.vendor == "postgresql"


def test_a_token_of_other_credentials_is_refused(proxy: TokenProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(OperationalError, match="PAM authentication failed"):
        user(connection(proxy))
    assert len(proxy.tokens) == 1, "it is not tried again"
    for name in KEYS:
        monkeypatch.delenv(name)
    with pytest.raises(AWSCallFailed, match="No AWS credentials"):
        user(connection(proxy))


def test_a_server_with_a_foreign_certificate_gets_no_token(
    proxy: TokenProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rds, "roots", lambda host: str(certificate(tmp_path)[0]))
    with pytest.raises(OperationalError, match="certificate verify failed"):
        user(connection(proxy))
    monkeypatch.undo()
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    other = certificate(tmp_path, "other.example.com")
    strange = TokenProxy(1, other)
    with pytest.raises(OperationalError, match="does not match host name"):
        user(connection(strange, sslrootcert=str(other[0])))
    strange.close()
    assert proxy.tokens == strange.tokens == []


def test_a_server_that_wakes_up_is_waited_for(proxy: TokenProxy, caplog: pytest.LogCaptureFixture) -> None:
    proxy.asleep = 3
    assert user(connection(proxy)) == "postgres"
    assert caplog.messages == ["The database default does not answer yet; it may be waking up."]


def test_the_wait_ends_before_the_functions_time(
    proxy: TokenProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = {"web": Handler("a.b", 6), "long": Handler("a.b", 600), "short": Handler("a.b", 2)}
    path = write_manifest(tmp_path, Stage("pocket-dev-board", handlers=handlers))
    monkeypatch.setenv("POCKET_MANIFEST", str(path))
    monkeypatch.setenv("POCKET_STAGE", "dev")
    for name, seconds in (("web", 1.0), ("long", 25.0), ("short", 0.0), ("none", 25.0)):
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", f"pocket-dev-board-{name}")
        assert base.wake_seconds() == seconds
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "pocket-dev-board-short")
    proxy.asleep = 100
    with pytest.raises(OperationalError, match="starting up"):
        user(connection(proxy))
    assert proxy.asleep == 99


def test_the_last_attempt_is_no_longer_than_the_time_that_is_left(
    proxy: TokenProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def attempt(self: Any, params: dict[str, Any]) -> None:
        given.append(params["connect_timeout"])
        raise psycopg.OperationalError("timeout expired")

    monkeypatch.setattr(base.base.DatabaseWrapper, "get_new_connection", attempt)
    monkeypatch.setattr(base, "wake_seconds", lambda: 4.0)
    now = iter([0.0, 0.0, 0.5, 1.5, 2.5])
    monkeypatch.setattr(base.time, "monotonic", lambda: next(now))
    with pytest.raises(psycopg.OperationalError):
        connection(proxy).get_new_connection({"connect_timeout": 5})
    assert given == [4, 2]


def test_each_connection_of_a_pool_has_a_fresh_token(proxy: TokenProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    used = connection(proxy, pool={"min_size": 1, "max_size": 2, "max_lifetime": 0.01})
    seen: list[str] = []
    try:
        for later in (0.0, 60.0, 120.0):
            now = time.time() + later
            monkeypatch.setattr("pocket.runtime.rds.time.time", lambda now=now: now)
            assert user(used) == "postgres"
            used.pool.check()
            seen = list(dict.fromkeys(proxy.tokens))
            time.sleep(0.02)
    finally:
        used.close_pool()
    assert len(seen) > 1
    again = connection(proxy, pool=True)
    assert again.settings_dict["OPTIONS"]["pool"]["connection_class"].signs_tokens
    assert type(again)(again.settings_dict).settings_dict["OPTIONS"] == again.settings_dict["OPTIONS"]


def test_the_functions_user_gets_rights_on_the_data_alone(
    proxy: TokenProxy, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database("aurora", "DATABASE_URL", application_user="app")
    path = write_manifest(tmp_path, Stage("pocket-dev-board", database=database))
    monkeypatch.setenv("POCKET_MANIFEST", str(path))
    monkeypatch.setenv("POCKET_STAGE", "dev")
    owner = connection(proxy)
    with owner.cursor() as cursor:
        cursor.execute("CREATE ROLE rds_iam")
        cursor.execute("CREATE TABLE public.kept (id serial, name text)")
    try:
        assert grants.missing(owner)
        assert grants.grant(owner) == "app"
        assert not grants.missing(owner)
        with owner.cursor() as cursor:
            cursor.execute("CREATE TABLE public.later (id serial, name text)")
        assert not grants.missing(owner), "a later table has the rights, too"
        assert grants.grant(owner) == "app"
        with psycopg.connect(postgres.url.replace("postgres@", "app@"), autocommit=True) as app:
            for table in ("kept", "later"):
                app.execute(f"INSERT INTO {table} (name) VALUES ('a')")
                app.execute(f"DELETE FROM {table}")
                for refused in (f"DROP TABLE {table}", f"ALTER TABLE {table} ADD x int", "CREATE TABLE mine (id int)"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        app.execute(refused)
        with owner.cursor() as cursor:
            cursor.execute("SELECT pg_has_role('app', 'rds_iam', 'member')")
            assert cursor.fetchone() == (True,)
    finally:
        with owner.cursor() as cursor:
            cursor.execute("DROP TABLE public.kept, public.later")
            cursor.execute("DROP OWNED BY app")
            cursor.execute("DROP ROLE app, rds_iam")
        owner.close()


def test_a_database_with_a_password_has_no_second_user(proxy: TokenProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKET_STAGE", raising=False)
    owner = connection(proxy)
    assert (grants.missing(owner), grants.grant(owner)) == (False, None)


def test_django_environ_takes_the_engine_from_the_url() -> None:
    url = f"pocket.django.databases.iam://us%40er@{HOST}:5432/na%20me"
    assert environ.Env.db_url_config(url) == {**(entry(url) or {}), "PORT": 5432}
    assert (entry(url) or {})["ENGINE"] == "pocket.django.databases.iam"
