"""A function loads only the standard library and Django while it starts, and no TOML parser."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_double import AWSDouble
from fresh import HARMLESS, SETTINGS, write_manifest, write_settings
from lambda_events import RequestSpec, event_of

import pocket
from pocket.manifest import Handler, SecretVariable, Stage

STAGE = Stage(
    stack_name="s",
    handlers={"web": Handler("x", 30, address=True)},
    secrets=(SecretVariable("SECRET_KEY", "secretsmanager", "mine"),),
)
FORBIDDEN_IN_THE_STANDARD_LIBRARY = {"tomllib", "xml.etree.ElementTree", "unittest", "concurrent.futures.process"}
OF_DJANGO = {"django", "asgiref", "sqlparse", "psycopg", "typing_extensions"}
CODE = """
import json, sys
import pocket.django.lambda_handlers as module
class Context:
    aws_request_id = "r"
    def get_remaining_time_in_millis(self):
        return 30_000
answer = getattr(module, sys.argv[1])(json.loads(sys.argv[2]), Context())
assert sys.argv[1] not in {"wsgi_handler", "asgi_handler"} or answer["statusCode"] == 200, answer
print(json.dumps(sorted(sys.modules)))
"""


PAGE = event_of("http_api", RequestSpec())
COMMAND = {"command": "check", "args": ["--tag", "models"], "kwargs": {}}
BATCH = {
    "Records": [
        {"messageId": "1", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:r:1:q", "body": json.dumps(COMMAND)}
    ]
}
URLS = """
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse("a page"))]

async def happened(event, context):
    return {}
"""


@pytest.mark.parametrize(
    ("handler", "event"),
    [
        ("wsgi_handler", PAGE),
        ("asgi_handler", PAGE),
        ("management_command_handler", COMMAND),
        ("sqs_management_command_handler", BATCH),
        ("event_handler", {"Records": []}),
    ],
)
def test_function_loads_only_the_standard_library_and_django_until_its_first_response(
    tmp_path: Path, aws: AWSDouble, handler: str, event: dict[str, Any]
) -> None:
    aws.put("mine", "k" * 50)
    write_manifest(tmp_path, STAGE)
    for name in ("django", "asgiref", "sqlparse"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (tmp_path / name).symlink_to(Path(spec.origin).parent)
    (tmp_path / "pocket").symlink_to(Path(pocket.__file__).parent)
    (tmp_path / "board_urls.py").write_text(URLS)
    environ = {
        **HARMLESS,
        **aws.environ,
        **write_settings(tmp_path, f"{SETTINGS}\nROOT_URLCONF = 'board_urls'\nALLOWED_HOSTS = ['*']\n"),
        "POCKET_STAGE": "dev",
        "POCKET_CALLABLE": "board_urls.happened",
        "POCKET_HOSTS": "",
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", CODE, handler, json.dumps(event)],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    foreign = {
        name
        for name in loaded
        if name.partition(".")[0]
        not in sys.stdlib_module_names | OF_DJANGO | {"pocket", "board_settings", "board_urls"}
        and not name.startswith(("__m", "_sysconfigdata"))
    }
    assert foreign == set()
    assert loaded & FORBIDDEN_IN_THE_STANDARD_LIBRARY == set()
    assert not any(name.startswith(("pocket.config", "pocket.deploy", "pocket.cli", "pocket.local")) for name in loaded)
    assert aws.operations == ["BatchGetSecretValue"]
