"""Connections of a process that is frozen and resumed, with a real PostgreSQL."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aws_double import AWSDouble
from fresh import HARMLESS, write_manifest
from postgres import Postgres

from pocket.django.configuration import databases, refresh
from pocket.django.configuration.startup import check_before_reuse
from pocket.manifest import DjangoTables, Handler, SecretVariable, Stage
from pocket.runtime import aws as call

SETTINGS = """
import os
import environ
from pocket.django.runtime import get_django_settings, set_envs
set_envs()
env = environ.Env()
SECRET_KEY = "x" * 50
DATABASES = {"default": {**env.db(), "CONN_MAX_AGE": None}}
INSTALLED_APPS = ["pocket.django"]
ROOT_URLCONF = "frozen_urls"
ALLOWED_HOSTS = ["*"]
vars().update(get_django_settings())
"""
URLS = """
import os
from django.db import connection
from django.http import JsonResponse
from django.urls import path

changes = []

def announced(names, **_):
    changes.append(sorted(names))

from pocket.django.signals import secrets_changed
secrets_changed.connect(announced)

def who(request):
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid(), current_user")
        pid, user = cursor.fetchone()
    return JsonResponse({"pid": pid, "user": user, "changes": changes, "token": os.environ.get("TOKEN")})

urlpatterns = [path("", who)]
"""
SERVE = """
import json, sys
from pocket.django import lambda_handlers
handler = getattr(lambda_handlers, sys.argv[2])
event = json.loads(sys.argv[1])
class Context:
    aws_request_id = "r"
    def get_remaining_time_in_millis(self):
        return 30_000
print("ready", flush=True)
for line in sys.stdin:
    answer = handler(event, Context())
    print(json.dumps([answer["statusCode"], answer["body"]]), flush=True)
"""
EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/",
    "rawQueryString": "",
    "headers": {"host": "board.example.com"},
    "requestContext": {
        "accountId": "1",
        "apiId": "a",
        "domainName": "board.example.com",
        "domainPrefix": "board",
        "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
        "requestId": "r",
        "routeKey": "$default",
        "stage": "$default",
        "time": "21/Nov/2026:03:00:00 +0000",
        "timeEpoch": 1795230000000,
    },
    "isBase64Encoded": False,
}


class Function:
    """A function in a process of its own; one line is one request."""

    def __init__(
        self,
        directory: Path,
        environ: dict[str, str],
        stage: Stage,
        handler: str = "wsgi_handler",
        *,
        settings: str = "",
        urls: str = URLS,
    ) -> None:
        (directory / "frozen_settings.py").write_text(SETTINGS + settings)
        (directory / "frozen_urls.py").write_text(urls)
        write_manifest(directory, stage)
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, json.dumps(EVENT), handler],
            cwd=directory,
            env={
                **HARMLESS,
                "PYTHONPATH": str(directory),
                "DJANGO_SETTINGS_MODULE": "frozen_settings",
                "POCKET_STAGE": "dev",
                "POCKET_HOSTS": "",
                **environ,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.read() == "ready"

    def read(self) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.process.kill()
            pytest.fail(f"no answer: {self.process.communicate()[1]}")
        return line.strip()

    def ask(self) -> Any:
        status, body = self.answer()
        assert status == 200, body
        return json.loads(body)

    def answer(self) -> tuple[int, str]:
        """Status and body of one request."""
        assert self.process.stdin is not None
        self.process.stdin.write("request\n")
        self.process.stdin.flush()
        status, body = json.loads(self.read())
        return status, body

    def __enter__(self) -> Function:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate("", timeout=30)


@pytest.mark.parametrize("handler", ["wsgi_handler", "asgi_handler"])
def test_resumed_process_with_a_dead_connection_answers_the_first_request(
    tmp_path: Path, postgres: Postgres, handler: str
) -> None:
    with Function(tmp_path, {"DATABASE_URL": postgres.url}, Stage(stack_name="s"), handler) as function:
        first, second = function.ask(), function.ask()
        assert first["pid"] == second["pid"]
        os.kill(function.process.pid, signal.SIGSTOP)
        with psycopg.connect(postgres.url, autocommit=True) as other:
            ended = other.execute("select pg_terminate_backend(%s, 10000)", [first["pid"]]).fetchone()
        assert ended == (True,)
        os.kill(function.process.pid, signal.SIGCONT)
        assert function.ask()["pid"] != first["pid"]


REFRESHED = Stage(
    stack_name="s",
    handlers={"web": Handler("x", 30, address=True)},
    django=DjangoTables(),
    secrets=(
        SecretVariable("DATABASE_URL", "secretsmanager", "database"),
        SecretVariable("TOKEN", "secretsmanager", "token"),
    ),
    secret_refresh=1,
)


def test_changed_database_url_is_used_and_the_signal_sent(tmp_path: Path, postgres: Postgres, aws: AWSDouble) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute("drop role if exists rotated")
        admin.execute("create role rotated login password 'new'")
    aws.put("database", postgres.url)
    aws.put("token", "one")
    with Function(tmp_path, aws.environ, REFRESHED) as function:
        before = function.ask()
        assert (before["user"], before["token"], before["changes"]) == ("postgres", "one", [])
        aws.put("database", postgres.url.replace("postgres@", "rotated:n%65w@"))
        aws.put("token", "two")
        os.kill(function.process.pid, signal.SIGSTOP)
        age(function, seconds=1.1)
        os.kill(function.process.pid, signal.SIGCONT)
        after = function.ask()
        assert (after["user"], after["token"], after["changes"]) == ("rotated", "two", [["DATABASE_URL", "TOKEN"]])


def test_known_secrets_are_used_where_they_cannot_be_read_again(
    tmp_path: Path, postgres: Postgres, aws: AWSDouble
) -> None:
    aws.put("database", postgres.url)
    aws.put("token", "one")
    with Function(tmp_path, aws.environ, REFRESHED) as function:
        function.ask()
        aws.denied.add("token")
        aws.put("token", "two")
        age(function, seconds=1.1)
        assert function.ask()["token"] == "one"
        aws.denied.clear()
        age(function, seconds=1.1)
        assert function.ask()["token"] == "two"


ONCE = Stage(
    stack_name="s",
    handlers=REFRESHED.handlers,
    django=DjangoTables(),
    secrets=(
        SecretVariable("DATABASE_URL", "secretsmanager", "database", "url"),
        SecretVariable("DB_PASSWORD", "secretsmanager", "database", "password"),
        SecretVariable("TOKEN", "secretsmanager", "database", "token"),
    ),
)
SINGLE = """
for key in ("USER", "PASSWORD"):
    DATABASES["default"].pop(key)
DATABASES["default"] |= {"USER": "guarded", "PASSWORD": os.environ["DB_PASSWORD"]}
"""


def guard(postgres: Postgres, password: str) -> str:
    """Sets a password for the role `guarded`, which the server requires from now on; returns the URL with it."""
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        (file,) = admin.execute("show hba_file").fetchone() or ("",)
        rules = Path(file).read_text()
        if "guarded" not in rules:
            Path(file).write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{rules}")
            admin.execute("select pg_reload_conf()")
            admin.execute("create role guarded login")
        admin.execute(f"alter role guarded password '{password}'")  # type: ignore[arg-type]
        admin.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'guarded'")
    return postgres.url.replace("postgres@", f"guarded:{password}@")


POOL = """
DATABASES["default"] |= {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": {"min_size": 1, "max_size": 2, "timeout": 2}}}
"""


@pytest.mark.parametrize("settings", ["", SINGLE, POOL], ids=["of a URL", "of single variables", "of a pool"])
@pytest.mark.parametrize("handler", ["wsgi_handler", "asgi_handler"])
def test_rotated_password_is_read_again_in_the_request_that_fails(
    tmp_path: Path, postgres: Postgres, aws: AWSDouble, settings: str, handler: str
) -> None:
    def rotate(password: str) -> None:
        url = guard(postgres, password)
        aws.put("database", {"url": url, "password": password, "token": password})

    rotate("first")
    with Function(tmp_path, aws.environ, ONCE, handler, settings=settings) as function:
        assert function.ask()["user"] == "guarded"
        rotate("second")
        after = function.ask()
        assert (after["user"], after["token"]) == ("guarded", "second")
        assert aws.operations == ["BatchGetSecretValue"] * 2
        guard(postgres, "not in the secret yet")
        status, _ = function.answer()
        assert status == 500
        assert len(aws.operations) <= 3
        status, _ = function.answer()
        assert status == 500
        assert len(aws.operations) <= 3, "the secrets are not read in every request"


def test_unreachable_database_makes_no_call(tmp_path: Path, postgres: Postgres, aws: AWSDouble) -> None:
    url = guard(postgres, "first").replace("/postgres", "/missing")
    aws.put("database", {"url": url.replace(f":{postgres.port}", ":1"), "password": "p", "token": "t"})
    with Function(tmp_path, aws.environ, ONCE) as function:
        assert function.answer()[0] == 500
    assert aws.operations == ["BatchGetSecretValue"]


def test_requests_rarely_wait_for_an_aws_that_does_not_respond(
    tmp_path: Path, postgres: Postgres, aws: AWSDouble
) -> None:
    aws.put("database", postgres.url)
    aws.put("token", "one")
    with Function(tmp_path, aws.environ, REFRESHED) as function:
        function.ask()
        aws.latency = 30
        age(function, seconds=1.1)
        waits = []
        for _ in range(3):
            start = time.monotonic()
            assert function.ask()["token"] == "one"
            waits.append(time.monotonic() - start)
            age(function, seconds=0.2)
    assert waits[0] < call.DEADLINE - 0.5
    assert max(waits[1:]) < refresh.DEADLINE


def test_waits_for_a_database_are_bounded_unless_the_project_sets_options() -> None:
    found: dict[str, dict[str, Any]] = {
        "a": {"ENGINE": "django.db.backends.postgresql"},
        "b": {"ENGINE": "django.contrib.gis.db.backends.postgis", "OPTIONS": {"connect_timeout": 60, "sslmode": "x"}},
        "c": {"ENGINE": "django.db.backends.mysql", "OPTIONS": None},
        "d": {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 5}},
        "e": {},
    }
    databases.bound_waits(found)
    assert found["a"]["OPTIONS"]["connect_timeout"] == 5
    assert found["b"]["OPTIONS"] == {**found["a"]["OPTIONS"], "connect_timeout": 60, "sslmode": "x"}
    assert found["c"]["OPTIONS"] == {"connect_timeout": 5}
    assert (found["d"]["OPTIONS"], found["e"]) == ({"timeout": 5}, {})


def test_server_that_accepts_a_connection_and_sends_nothing_times_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://postgres@127.0.0.1:{silent.getsockname()[1]}/postgres"
        with Function(tmp_path, {"DATABASE_URL": url}, Stage(stack_name="s")) as function:
            start = time.monotonic()
            assert function.answer()[0] == 500
            assert time.monotonic() - start < 10


def test_driver_accepts_the_limits(tmp_path: Path, postgres: Postgres) -> None:
    urls = URLS.replace(
        "return JsonResponse({", "return JsonResponse({'parameters': connection.connection.info.get_parameters(), "
    )
    with Function(tmp_path, {"DATABASE_URL": postgres.url}, Stage(stack_name="s"), urls=urls) as function:
        limits = function.ask()["parameters"]
    assert {key: int(limits[key]) for key in databases._LIBPQ} == databases._LIBPQ


def age(function: Function, seconds: float) -> None:
    """Makes the secrets look older, since the process's clock cannot be set from outside."""
    with pytest.raises(subprocess.TimeoutExpired):
        function.process.wait(seconds)


def test_health_checks_are_on_unless_the_project_sets_them() -> None:
    databases: dict[str, dict[str, Any]] = {"default": {}, "other": {"CONN_HEALTH_CHECKS": False}}
    check_before_reuse(databases)
    assert databases == {"default": {"CONN_HEALTH_CHECKS": True}, "other": {"CONN_HEALTH_CHECKS": False}}
