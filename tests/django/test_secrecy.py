"""No log, error or traceback of a function has a secret or an event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_double import SECRET_KEY, TOKEN, AWSDouble
from fresh import run
from jobs import write_project
from lambda_events import RequestSpec, event_of

from pocket.manifest import DjangoTables, Handler, SecretVariable, Stage

SECRET = "swordfish"
STAGE = Stage(
    stack_name="s",
    handlers={"web": Handler("x", 30, address=True)},
    django=DjangoTables(settings={"ROOT_URLCONF": "jobs_urls", "ALLOWED_HOSTS": ["*"]}),
    secrets=(
        SecretVariable("WHOLE", "secretsmanager", "whole"),
        SecretVariable("PART", "secretsmanager", "object", "PART"),
        SecretVariable("PARAMETER", "ssm", "/parameter"),
    ),
    secret_refresh=1,
)
URLS = """
from django.urls import path

def fail(request):
    import os
    held = os.environ["WHOLE"], request.body
    raise ValueError("a view failed")

urlpatterns = [path("", fail)]
"""
ASK = RequestSpec(
    method="POST",
    query=f"token={SECRET}",
    headers=(("authorization", SECRET),),
    body=SECRET.encode(),
    cookies=(SECRET,),
)
SERVE = """
import json, sys
from pocket.django import lambda_handlers
class Context:
    aws_request_id = "r"
    def get_remaining_time_in_millis(self):
        return 60_000
for name, event in json.loads(EVENTS):
    try:
        getattr(lambda_handlers, name)(event, Context())
    except Exception:
        import traceback
        traceback.print_exc()
import os
assert os.environ["WHOLE"] == os.environ["PART"] == os.environ["PARAMETER"] == SECRET
"""


def fill(aws: AWSDouble) -> None:
    aws.put("whole", SECRET)
    aws.put("object", {"PART": SECRET})
    aws.parameters["/parameter"] = SECRET


def environment(directory: Path, aws: AWSDouble) -> dict[str, str]:
    environ = {**aws.environ, **write_project(directory, STAGE), "AWS_LAMBDA_FUNCTION_NAME": "f"}
    (directory / "jobs_urls.py").write_text(URLS)
    return environ


def test_function_logs_no_secret(tmp_path: Path, aws: AWSDouble) -> None:
    fill(aws)
    environ = environment(tmp_path, aws)
    body = {"command": "job", "args": [SECRET], "kwargs": {"do": "crash"}}
    record = {
        "messageId": "1",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:r:1:q",
        "body": json.dumps(body),
    }
    events = [
        ("wsgi_handler", event_of("http_api", ASK)),
        ("wsgi_handler", {"not": "http", "password": SECRET}),
        ("management_command_handler", body),
        ("management_command_handler", {"command": 1, "args": [SECRET]}),
        ("management_command_handler", {"command": "nothing", "args": [SECRET]}),
        ("sqs_management_command_handler", {"Records": [record, {**record, "body": SECRET}]}),
        ("sqs_management_command_handler", {"password": SECRET}),
    ]
    done = run(f"EVENTS = {json.dumps(events)!r}\nSECRET = {SECRET!r}\n{SERVE}", tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert "a view failed" in done.stderr
    assert "ValueError: boom" in done.stderr
    assert SECRET not in done.stdout + done.stderr


CASES = [
    *("denied", "missing", "deleted", "not json", "no key", "binary", "nul"),
    *("throttled", "garbage"),
]
REPORT = """
import sys, traceback
try:
    from pocket.django.lambda_handlers import management_command_handler
except Exception as error:
    # With the variables of each frame, as in error reports.
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    sys.stderr.write("".join(report.format()))
    sys.exit(1)
"""


@pytest.mark.parametrize("case", CASES)
def test_function_that_does_not_start_shows_no_secret(tmp_path: Path, aws: AWSDouble, case: str) -> None:
    fill(aws)
    environ = environment(tmp_path, aws)
    if case == "denied":
        aws.denied.add("object")
    elif case == "missing":
        del aws.secrets["object"]
    elif case == "deleted":
        aws.secrets["object"]["deleted"] = True
    elif case == "not json":
        aws.put("object", f"no json but {SECRET}")
    elif case == "no key":
        aws.put("object", {"OTHER": SECRET})
    elif case == "binary":
        aws.put("object", SECRET.encode())
    elif case == "nul":
        aws.put("object", {"PART": f"{SECRET}\0"})
    elif case == "throttled":
        aws.failures.extend([(400, "AccessDeniedException")] * 4)
    else:
        aws.failures.extend([f"<html>{SECRET}</html>"] * 4)
    done = run(REPORT, tmp_path, environ)
    assert done.returncode == 1
    assert done.stderr.count("Traceback") >= 2, "the function's own, and the report's"
    assert "    manifest = " in done.stderr, "the report shows the frames' variables"
    assert SECRET not in done.stdout + done.stderr
    assert SECRET_KEY not in done.stdout + done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_settings_that_fail_show_no_secret(tmp_path: Path, aws: AWSDouble) -> None:
    fill(aws)
    environ = environment(tmp_path, aws)
    with (tmp_path / "jobs_settings.py").open("a") as settings:
        settings.write("held = os.environ['WHOLE']\nraise ValueError\n")
    done = run("from pocket.django.lambda_handlers import management_command_handler", tmp_path, environ)
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    assert SECRET not in done.stdout + done.stderr


BROKEN_RECEIVER = """
from pocket.django.signals import secrets_changed
def fail(names, **_):
    raise RuntimeError("a receiver failed")
secrets_changed.connect(fail)
"""
AGE = """
import os, sys, traceback
from pocket.django import runtime
from pocket.django.lambda_handlers import management_command_handler
runtime.registered("dev").at -= 1000
runtime.registered("dev").secrets["WHOLE"] = "swordfish of before"
try:
    management_command_handler({"command": "job"}, None)
except RuntimeError as error:
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    sys.stderr.write("".join(report.format()))
assert os.environ["WHOLE"] == "swordfish"
"""


def test_receiver_that_fails_shows_no_secret(tmp_path: Path, aws: AWSDouble) -> None:
    fill(aws)
    environ = environment(tmp_path, aws)
    with (tmp_path / "jobs_settings.py").open("a") as settings:
        settings.write(BROKEN_RECEIVER)
    done = run(AGE, tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert "a receiver failed" in done.stderr
    assert "Secrets changed: WHOLE" in done.stderr
    assert SECRET not in done.stdout + done.stderr


DOLLAR = "$ecret/with{braces}'and\"quotes"
URL = "postgres://board:pass#word@db.example.com:5432/board"
NAMED = Stage(
    stack_name="s",
    secrets=(
        SecretVariable("SECRET_KEY", "secretsmanager", "key"),
        SecretVariable("DATABASE_URL", "secretsmanager", "url"),
    ),
)


@pytest.mark.parametrize(
    ("read", "shown"),
    [
        ("environ.Env()('SECRET_KEY')", "<SECRET_KEY>"),
        ("os.environ[os.environ['SECRET_KEY']]", "<SECRET_KEY>"),
        ("int(os.environ['SECRET_KEY'])", "<SECRET_KEY>"),
        ("urllib.parse.urlsplit(os.environ['DATABASE_URL']).port", "<DATABASE_URL>"),
    ],
)
def test_start_that_fails_at_a_secret_shows_its_variable_instead(
    tmp_path: Path, aws: AWSDouble, read: str, shown: str
) -> None:
    aws.put("key", DOLLAR)
    aws.put("url", URL)
    environ = {**aws.environ, **write_project(tmp_path, NAMED), "AWS_LAMBDA_FUNCTION_NAME": "f"}
    settings = f"{(tmp_path / 'jobs_settings.py').read_text()}\nimport environ, os, urllib.parse\n{read}\n"
    (tmp_path / "jobs_settings.py").write_text(settings)
    done = run("from pocket.django.lambda_handlers import wsgi_handler", tmp_path, environ)
    assert done.returncode == 1
    assert "jobs_settings.py" in done.stderr
    assert shown in done.stderr
    for part in (DOLLAR, DOLLAR[1:], "ecret/with", "'pass'", "pass#word"):
        assert part not in done.stderr
