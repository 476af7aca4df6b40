"""Starting a function, with Lambda's runtime client where that matters."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_double import AWSDouble
from fresh import SETTINGS, evaluate, run, write_manifest, write_settings
from jobs import write_project

from pocket.manifest import SecretVariable, Stage

GET_HANDLER = "from awslambdaric.bootstrap import _get_handler\nprefix = 'pocket.django.lambda_handlers.'\n"


def test_lambdas_runtime_client_finds_each_handler(tmp_path: Path) -> None:
    environ = write_project(tmp_path)
    code = f"{GET_HANDLER}handler = _get_handler(prefix + 'management_command_handler')\n"
    code += "result = handler({'command': 'job', 'args': ['x'], 'kwargs': {'do': 'speak'}}, None)['exit_status']"
    assert evaluate(code, tmp_path, environ) == 0


def test_importing_the_module_builds_no_handler(tmp_path: Path) -> None:
    code = "import pocket.django.lambda_handlers, sys\nresult = [name for name in sys.modules if name == 'django.conf']"
    assert evaluate(code, tmp_path) == []


def test_only_the_accessed_handler_is_built_and_only_once(tmp_path: Path) -> None:
    code = """
import sys
import pocket.django.lambda_handlers as module
first = module.management_command_handler
again = module.management_command_handler
result = [again is first, "pocket.django.http.wsgi" in sys.modules, "wsgi_handler" in vars(module)]
"""
    assert evaluate(code, tmp_path, write_project(tmp_path)) == [True, False, False]


def test_unknown_name_is_an_attribute_error(tmp_path: Path) -> None:
    done = run(f"{GET_HANDLER}_get_handler(prefix + 'wsgi_handlr')", tmp_path)
    assert "missing on module" in done.stderr


def test_attribute_error_in_the_project_is_not_reported_as_a_missing_handler(tmp_path: Path) -> None:
    environ = write_settings(tmp_path, "import os\nos.nothing_of_that_name\n")
    done = run(f"{GET_HANDLER}_get_handler(prefix + 'management_command_handler')", tmp_path, environ)
    assert done.returncode == 1
    assert "RuntimeError: The function did not start" in done.stderr
    assert "missing on module" not in done.stderr


def test_collector_is_off_during_the_start_and_the_heap_is_frozen_after(tmp_path: Path) -> None:
    environ = write_project(tmp_path)
    settings = tmp_path / "jobs_settings.py"
    settings.write_text(f"{settings.read_text()}\nimport gc\nRESTS = not gc.isenabled()\n")
    code = """
import gc
from pocket.django.lambda_handlers import management_command_handler
from django.conf import settings
result = [settings.RESTS, gc.isenabled(), gc.get_freeze_count() > 1000]
"""
    assert evaluate(code, tmp_path, environ) == [True, True, True]


def test_collector_is_on_again_after_a_failed_start(tmp_path: Path) -> None:
    environ = write_settings(tmp_path, "raise ValueError\n")
    code = """
import gc
import pocket.django.lambda_handlers as module
try:
    module.management_command_handler
except ValueError:
    result = gc.isenabled()
"""
    assert evaluate(code, tmp_path, environ) is True


STAGE = Stage(stack_name="s", secrets=(SecretVariable("SECRET_KEY", "secretsmanager", "mine"),))


def test_calls_for_secrets_are_sent_before_django_is_imported(tmp_path: Path, aws: AWSDouble) -> None:
    aws.put("mine", "k" * 50)
    aws.latency = 0.2
    write_manifest(tmp_path, STAGE)
    environ = {**aws.environ, **write_settings(tmp_path), "POCKET_STAGE": "dev"}
    code = """
import sys, threading
from pocket.runtime import prefetch
start = prefetch.start
def started(*arguments):
    start(*arguments)
    states.append(["django.conf" in sys.modules, len(threading.enumerate())])
prefetch.start = started
states = []
from pocket.django.lambda_handlers import management_command_handler
from django.conf import settings
result = [states, settings.SECRET_KEY]
"""
    assert evaluate(code, tmp_path, environ) == [[[False, 2]], "k" * 50]
    assert aws.operations == ["BatchGetSecretValue"]


def test_failed_prefetch_reports_its_reason_and_is_not_retried(tmp_path: Path, aws: AWSDouble) -> None:
    write_manifest(tmp_path, STAGE)
    environ = {**aws.environ, **write_settings(tmp_path), "POCKET_STAGE": "dev"}
    done = run("from pocket.django.lambda_handlers import management_command_handler", tmp_path, environ)
    assert "SecretUnavailable" in done.stderr
    assert "SECRET_KEY" in done.stderr
    assert aws.operations == ["BatchGetSecretValue"]


@pytest.mark.parametrize("manifest", ["{", '{"format": 99}', None])
def test_errors_in_the_manifest_are_raised_by_the_settings(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "pocket.manifest.json").write_text(manifest)
    environ = {**write_settings(tmp_path, SETTINGS), "POCKET_STAGE": "dev"}
    done = run("from pocket.django.lambda_handlers import management_command_handler", tmp_path, environ)
    assert done.returncode == 1
    assert (
        "pocket.django.configuration.errors."
        in done.stderr.strip().splitlines()[-2] + done.stderr.strip().splitlines()[-1]
    )


def behind_cdn(folder: Path, aws: AWSDouble, settings: str) -> dict[str, str]:
    """A stage with a distribution, whose secret is in Secrets Manager."""
    aws.put("board", {"POCKET_ORIGIN_SECRET": "s" * 50})
    secret = SecretVariable("POCKET_ORIGIN_SECRET", "secretsmanager", "board", "POCKET_ORIGIN_SECRET")
    write_manifest(folder, Stage("pocket-dev-board", cdn="web", secrets=(secret,)))
    named = {"LAMBDA_TASK_ROOT": str(folder), "POCKET_STAGE": "dev", "POCKET_HOSTS": ""}
    return {**write_settings(folder, settings), **aws.environ, **named}


ASK = """
import json
from pocket.django.lambda_handlers import wsgi_handler
from pocket.probe import http_event
sent = {"x-pocket-host": "www.example.com", "x-pocket-client": "2001:db8::7"}
events = [{}, {**sent, "x-pocket-origin": "x" * 50}, {**sent, "x-pocket-origin": "s" * 50}]
answers = [wsgi_handler(http_event("https://a.example", "/nowhere", headers=headers), None) for headers in events]
result = [[answer["statusCode"], answer["headers"].get("cache-control")] for answer in answers]
"""


def test_a_function_behind_a_distribution_answers_nothing_else(tmp_path: Path, aws: AWSDouble) -> None:
    settings = f"{SETTINGS}\nALLOWED_HOSTS = ['www.example.com']\nROOT_URLCONF = 'board_settings'\nurlpatterns = []\n"
    environ = behind_cdn(tmp_path, aws, settings)
    assert evaluate(ASK, tmp_path, environ) == [[403, "no-store"], [403, "no-store"], [404, "private"]]
    api = {**environ, "AWS_LAMBDA_FUNCTION_NAME": "pocket-dev-board-api"}
    assert evaluate(ASK, tmp_path, api)[0][0] != 403, "another function of the stage, with a function URL"


def test_a_function_that_cannot_know_its_distribution_does_not_start(tmp_path: Path, aws: AWSDouble) -> None:
    done = run(ASK, tmp_path, behind_cdn(tmp_path, aws, "SECRET_KEY = 'x'\n"))
    assert done.returncode == 1
    assert "POCKET_ORIGIN_SECRET is not set" in done.stderr
    assert "Call pocket.django.runtime.set_envs() in the settings module." in done.stderr
