"""A callable of the project as a Lambda handler: started as Django is, and each event on its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from fresh import SETTINGS, evaluate, run, write_manifest, write_settings

from pocket.manifest import Stage

EVENTS = """
import asyncio, time
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils import timezone, translation

seen = []

def plain(event, context):
    seen.append(event)
    return {"language": translation.get_language(), "zone": timezone.get_current_timezone_name()}

def leave_traces(event, context):
    translation.activate("de")
    timezone.activate("Asia/Tokyo")
    connection.ensure_connection()
    transaction.set_autocommit(False)

async def slow(event, context):
    await asyncio.sleep(60)

async def wait(event, context):
    await asyncio.sleep(0)
    return [event, await ContentType.objects.acount()]

def sleep(event, context):
    time.sleep(60)

def fail(event, context):
    raise ValueError("boom")

def generate(event, context):
    yield 1

def narrow(event): ...

CONSTANT = 3

class Called:
    async def __call__(self, event, context):
        await asyncio.sleep(0)
        return "called"

instance = Called()
"""
CONTEXT = """
class Context:
    aws_request_id = "id"
    def __init__(self, seconds): self.end = time.monotonic() + seconds
    def get_remaining_time_in_millis(self): return int((self.end - time.monotonic()) * 1000)
"""


def environ(folder: Path, command: str) -> dict[str, str]:
    (folder / "happenings.py").write_text(EVENTS)
    write_manifest(folder, Stage(stack_name="s"))
    return {**write_settings(folder, SETTINGS), "POCKET_STAGE": "dev", "POCKET_CALLABLE": command}


def handled(folder: Path, command: str, code: str) -> object:
    start = f"import time\n{CONTEXT}\nfrom pocket.django.lambda_handlers import event_handler as handler\n"
    return evaluate(start + code, folder, environ(folder, command))


def test_callable_gets_event_and_its_result_is_returned(tmp_path: Path) -> None:
    code = "import happenings\nresult = [handler({'a': 1}, None), happenings.seen]"
    assert handled(tmp_path, "happenings.plain", code) == [{"language": "en-us", "zone": "America/Chicago"}, [{"a": 1}]]


def test_probe_starts_the_function_and_does_not_reach_the_callable(tmp_path: Path) -> None:
    code = "import happenings\nfrom pocket.naming import PROBE\nresult = [handler(dict(PROBE), None), happenings.seen]"
    assert handled(tmp_path, "happenings.plain", code) == [{"started": "happenings.plain"}, []]


def test_next_event_does_not_see_language_zone_or_transaction_of_the_last(tmp_path: Path) -> None:
    code = """
from django.db import connection
import happenings
handler({}, None)
result = [happenings.plain({}, None)["language"], connection.get_autocommit()]
"""
    assert handled(tmp_path, "happenings.leave_traces", code) == ["en-us", True]


@pytest.mark.parametrize(("command", "found"), [("happenings.wait", [{"a": 1}, 0]), ("happenings.instance", "called")])
def test_coroutine_function_runs_to_its_end(tmp_path: Path, command: str, found: object) -> None:
    code = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.contenttypes.models import ContentType
ContentType.objects.all().delete()
result = handler({"a": 1}, Context(20))
"""
    assert handled(tmp_path, command, code) == found


@pytest.mark.parametrize("command", ["happenings.slow", "happenings.sleep"])
def test_callable_is_stopped_before_the_deadline_and_lambda_gets_an_error(tmp_path: Path, command: str) -> None:
    code = """
started = time.monotonic()
try:
    handler({}, Context(1))
except TimeoutError as error:
    result = [str(error), time.monotonic() - started < 1]
"""
    told = f"{command} was stopped: the function has no time left."
    assert handled(tmp_path, command, code) == [told, True]


def test_exception_passes_so_that_lambda_delivers_the_event_again(tmp_path: Path) -> None:
    code = "try:\n    handler({}, None)\nexcept ValueError as error:\n    result = str(error)"
    assert handled(tmp_path, "happenings.fail", code) == "boom"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("", "The environment has no POCKET_CALLABLE"),
        ("missing.function", "The command missing.function cannot be imported: there is no module 'missing'."),
        ("happenings.missing", "the module 'happenings' has no 'missing'."),
        ("happenings.CONSTANT", "cannot be a handler: it is int, which is not callable."),
        ("happenings.narrow", "its signature is (event), but Lambda calls it with an event and a context."),
        ("happenings.generate", "it is a generator, whose code would not run."),
    ],
)
def test_start_fails_with_the_reason(tmp_path: Path, command: str, told: str) -> None:
    done = run("from pocket.django.lambda_handlers import event_handler", tmp_path, environ(tmp_path, command))
    assert done.returncode == 1
    assert told in done.stderr


def test_error_in_the_module_of_the_callable_is_shown_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    values = environ(tmp_path, "broken.function")
    done = run("from pocket.django.lambda_handlers import event_handler", tmp_path, values)
    assert "ModuleNotFoundError: No module named 'nothing_of_that_name'" in done.stderr
    assert "SetupFailed" not in done.stderr
