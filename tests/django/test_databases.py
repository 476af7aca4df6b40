"""Connections in a process that is frozen and thawed, on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aws_double import AWSDouble
from fresh import HARMLESS, write_manifest
from postgres import Postgres

from pocket.django.configuration.startup import check_before_reuse
from pocket.manifest import DjangoTables, Handler, SecretVariable, Stage

SETTINGS = """
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
    """A function in a process of its own, which answers one request a line."""

    def __init__(self, directory: Path, environ: dict[str, str], stage: Stage, handler: str = "wsgi_handler") -> None:
        (directory / "frozen_settings.py").write_text(SETTINGS)
        (directory / "frozen_urls.py").write_text(URLS)
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
        assert self.process.stdin is not None
        self.process.stdin.write("request\n")
        self.process.stdin.flush()
        status, body = json.loads(self.read())
        assert status == 200, body
        return json.loads(body)

    def __enter__(self) -> Function:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate("", timeout=30)


@pytest.mark.parametrize("handler", ["wsgi_handler", "asgi_handler"])
def test_a_thawed_process_with_a_dead_connection_answers_at_the_first_try(
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


def test_a_changed_database_url_is_followed_and_announced(tmp_path: Path, postgres: Postgres, aws: AWSDouble) -> None:
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


def test_where_the_secrets_cannot_be_read_again_the_known_ones_serve(
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


def age(function: Function, seconds: float) -> None:
    """Lets the process grow older; its clock cannot be set from outside."""
    with pytest.raises(subprocess.TimeoutExpired):
        function.process.wait(seconds)


def test_health_checks_are_on_unless_the_project_says_otherwise() -> None:
    databases: dict[str, dict[str, Any]] = {"default": {}, "other": {"CONN_HEALTH_CHECKS": False}}
    check_before_reuse(databases)
    assert databases == {"default": {"CONN_HEALTH_CHECKS": True}, "other": {"CONN_HEALTH_CHECKS": False}}
