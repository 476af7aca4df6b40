"""Logs of a function, in a process as Lambda starts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fresh import run, write_manifest, write_settings
from jobs import SETTINGS, write_project

from pocket.manifest import DjangoTables, Stage

LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "pocket-dev-board-management", "_X_AMZN_TRACE_ID": "Root=1-2-3"}
CODE = """
from pocket.django.lambda_handlers import management_command_handler as handler
import logging
class Context:
    aws_request_id = "request-1"
handler({"command": "job", "args": ["quiet"], "on_failure": "report"}, Context())
logging.getLogger("board").info("a line")
logging.getLogger("django.request").warning("another")
logging.getLogger("board").debug("too quiet")
Context.aws_request_id = "request-2"
handler({"command": "job", "on_failure": "report"}, Context())
try:
    raise ValueError("two\\nlines")
except ValueError:
    logging.getLogger("board").exception("failed")
"""


def lines(directory: Path, settings: str = SETTINGS, environ: dict[str, str] | None = None) -> list[dict[str, Any]]:
    found = {**write_project(directory), **LAMBDA, **(environ or {})}
    (directory / "jobs_settings.py").write_text(settings)
    done = run(CODE, directory, found)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith('{"timestamp')]


def test_each_record_is_a_line_of_json_with_its_invocation(tmp_path: Path) -> None:
    first, second, third = lines(tmp_path)
    assert (first["logger"], first["level"], first["message"]) == ("board", "INFO", "a line")
    assert (first["requestId"], first["traceId"], first["coldStart"]) == ("request-1", "Root=1-2-3", True)
    assert (second["logger"], second["message"]) == ("django.request", "another")
    assert (third["requestId"], third["coldStart"]) == ("request-2", False)
    assert third["errorType"] == "ValueError"
    assert "Traceback" in third["stackTrace"]


OWN = """
LOGGING = {"version": 1, "disable_existing_loggers": False,
           "formatters": {"own": {"format": '{"timestamp": "own", "message": "%(message)s"}'}},
           "handlers": {"own": {"class": "logging.StreamHandler", "formatter": "own"}},
           "loggers": {"board": {"handlers": ["own"], "level": "INFO", "propagate": False}}}
"""


@pytest.mark.parametrize("settings", [OWN + SETTINGS, SETTINGS + OWN], ids=["before", "after"])
def test_a_projects_own_logging_is_left_alone(tmp_path: Path, settings: str) -> None:
    assert {line["timestamp"] for line in lines(tmp_path, settings)} == {"own"}


def test_a_projects_own_logging_config_is_left_alone(tmp_path: Path) -> None:
    assert lines(tmp_path, f"{SETTINGS}\nLOGGING_CONFIG = None\n") == []


def test_outside_lambda_logs_are_djangos_own(tmp_path: Path) -> None:
    stage = Stage(stack_name="s", django=DjangoTables(settings={"LANGUAGE_CODE": "de"}))
    write_manifest(tmp_path, stage)
    code = "from pocket.django.runtime import get_django_settings; import sys; sys.exit(get_django_settings() != "
    done = run(f"{code}{{'LANGUAGE_CODE': 'de'}})", tmp_path, {"POCKET_STAGE": "dev"})
    assert done.returncode == 0, done.stderr


def test_the_files_logging_wins(tmp_path: Path) -> None:
    stage = Stage(stack_name="s", django=DjangoTables(settings={"LOGGING_CONFIG": None}))
    write_manifest(tmp_path, stage)
    code = "from pocket.django.runtime import get_django_settings; import sys; sys.exit(get_django_settings() != "
    done = run(f"{code}{{'LOGGING_CONFIG': None}})", tmp_path, {"POCKET_STAGE": "dev", **LAMBDA})
    assert done.returncode == 0, done.stderr


def test_a_function_that_does_not_start_logs_its_traceback(tmp_path: Path) -> None:
    environ = {**write_settings(tmp_path, "import nothing_of_that_name\n"), **LAMBDA}
    done = run("from pocket.django.lambda_handlers import wsgi_handler", tmp_path, environ)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "nothing_of_that_name" in done.stderr
