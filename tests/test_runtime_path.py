"""What a function loads while it starts: the standard library and Django, nothing else, and no TOML."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_double import AWSDouble
from fresh import HARMLESS, write_manifest, write_settings

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
getattr(module, sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("handler", ["wsgi_handler", "management_command_handler", "sqs_management_command_handler"])
def test_a_start_loads_the_standard_library_and_django_only(tmp_path: Path, aws: AWSDouble, handler: str) -> None:
    aws.put("mine", "k" * 50)
    write_manifest(tmp_path, STAGE)
    for name in ("django", "asgiref", "sqlparse"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (tmp_path / name).symlink_to(Path(spec.origin).parent)
    (tmp_path / "pocket").symlink_to(Path(pocket.__file__).parent)
    environ = {
        **HARMLESS,
        **aws.environ,
        **write_settings(tmp_path),
        "POCKET_STAGE": "dev",
        "POCKET_HOSTS": "",
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", CODE, handler],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    foreign = {
        name
        for name in loaded
        if name.partition(".")[0] not in sys.stdlib_module_names | OF_DJANGO | {"pocket", "board_settings"}
        and not name.startswith(("__m", "_sysconfigdata"))
    }
    assert foreign == set()
    assert loaded & FORBIDDEN_IN_THE_STANDARD_LIBRARY == set()
    assert not any(name.startswith(("pocket.config", "pocket.deploy", "pocket.cli", "pocket.local")) for name in loaded)
    assert aws.operations == ["BatchGetSecretValue"]
