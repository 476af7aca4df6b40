"""Logs of a function, in a process started as in Lambda."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fresh import evaluate, run, write_manifest, write_settings
from jobs import SETTINGS, write_project

from pocket.manifest import DjangoTables, Stage
from pocket.runtime import loggers

LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "pocket-dev-board-management", "_X_AMZN_TRACE_ID": "Root=1-2-3"}
CODE = """
from pocket.django.lambda_handlers import management_command_handler as handler
import logging
class Context:
    aws_request_id = "request-1"
    def get_remaining_time_in_millis(self): return 60_000
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
def test_logging_of_a_project_is_not_changed(tmp_path: Path, settings: str) -> None:
    assert {line["timestamp"] for line in lines(tmp_path, settings)} == {"own"}


def test_logging_config_of_a_project_is_not_changed(tmp_path: Path) -> None:
    assert lines(tmp_path, f"{SETTINGS}\nLOGGING_CONFIG = None\n") == []


def test_only_logging_config_of_a_project_configures_logging(tmp_path: Path) -> None:
    settings = f"{SETTINGS}\nLOGGING_CONFIG = 'own_logging.configure'\n"
    (tmp_path / "own_logging.py").write_text("def configure(settings): raise AssertionError('LOGGING is empty')")
    assert lines(tmp_path, settings) == []


@pytest.mark.parametrize("environ", [{}, LAMBDA], ids=["laptop", "lambda"])
def test_settings_are_the_table_in_the_file(tmp_path: Path, environ: dict[str, str]) -> None:
    stage = Stage(stack_name="s", django=DjangoTables(settings={"LANGUAGE_CODE": "de"}))
    write_manifest(tmp_path, stage)
    code = "from pocket.django.runtime import get_django_settings; result = get_django_settings()"
    assert evaluate(code, tmp_path, {"POCKET_STAGE": "dev", **environ}) == {"LANGUAGE_CODE": "de"}


RUNTIME = """
import logging
class LambdasHandler(logging.Handler):
    def emit(self, record):
        print("lambda:", record.name, record.getMessage(), flush=True)
logging.getLogger().addHandler(LambdasHandler())
"""
SPEAK = """
logging.getLogger("board").error("from the project")
logging.getLogger("board.views").error("below it")
logging.getLogger("elsewhere").error("from elsewhere")
for name in ("commands", "fastapi", "http", "queue", "secrets"):
    logging.getLogger(f"pocket.{name}").error("from Pocket")
logging.getLogger("asyncio")
"""
CONSOLE = """
LOGGING = {"version": 1,
           "handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "level": "ERROR"}},
           "loggers": {"board": {"handlers": ["console"]}}}
"""
POCKETS = [f"lambda: pocket.{name} from Pocket" for name in ("commands", "fastapi", "http", "queue", "secrets")]


def spoken(directory: Path, settings: str, code: str) -> list[str]:
    environ = {**write_project(directory), **LAMBDA}
    (directory / "jobs_settings.py").write_text(SETTINGS + settings)
    done = run(f"{RUNTIME}{code}{SPEAK}", directory, environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_disable_existing_loggers_keeps_pockets_and_each_line_is_written_once(
    tmp_path: Path,
) -> None:
    early = "import pocket.fastapi.discovery, pocket.django.commands.batch\n"
    code = f"{early}from pocket.django.lambda_handlers import wsgi_handler"
    found = spoken(tmp_path, CONSOLE, code)
    assert found == ["from the project", "below it", "lambda: elsewhere from elsewhere", *POCKETS]


def test_logging_configured_in_the_settings_module_is_completed(tmp_path: Path) -> None:
    own = f"{CONSOLE}LOGGING_CONFIG = None\nimport logging.config\nlogging.config.dictConfig(LOGGING)\n"
    code = "import pocket.fastapi.discovery\nfrom pocket.django.lambda_handlers import wsgi_handler"
    found = spoken(tmp_path, own, code)
    assert found == ["from the project", "below it", "lambda: elsewhere from elsewhere", *POCKETS]


@pytest.mark.parametrize(
    ("set_up", "settings"),
    [
        ("import django; django.setup()", ""),
        ("from pocket.fastapi import setup; setup()", ""),
        ("from pocket.fastapi import setup; setup()", "INSTALLED_APPS = []"),
    ],
    ids=["django", "fastapi", "without the app"],
)
def test_pockets_loggers_stay_enabled_under_a_server(tmp_path: Path, set_up: str, settings: str) -> None:
    early = "import pocket.fastapi.discovery, pocket.asgi, pocket.django.http.wsgi, pocket.django.commands.batch"
    found = spoken(tmp_path, f"{CONSOLE}{settings}\n", f"{early}\n{set_up}")
    assert [line for line in found if "pocket." in line] == POCKETS


def test_names_has_every_logger_of_pocket() -> None:
    package = Path(loggers.__file__).parents[1]
    used = {
        name for file in package.rglob("*.py") for name in re.findall(r'getLogger\("(pocket\.\w+)"', file.read_text())
    }
    assert used - {"pocket.local"} == {*loggers.NAMES}


def test_function_that_does_not_start_logs_its_traceback(tmp_path: Path) -> None:
    environ = {**write_settings(tmp_path, "import nothing_of_that_name\n"), **LAMBDA}
    done = run("from pocket.django.lambda_handlers import wsgi_handler", tmp_path, environ)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "nothing_of_that_name" in done.stderr
