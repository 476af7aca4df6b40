"""What is in a SnapStart snapshot, and what a restored environment renews."""

from __future__ import annotations

from pathlib import Path

import snapshot_restore_py
from aws_double import AWSDouble
from fresh import evaluate, run
from jobs import write_project

from pocket.manifest import SecretVariable, Stage

STAGE = Stage(stack_name="s", secrets=(SecretVariable("TOKEN", "secretsmanager", "token"),))
SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
START = """
import os, random, sys
from pocket.django.lambda_handlers import management_command_handler
import snapshot_restore_py as hooks
from django.db import connection
"""


def test_hooks_of_the_runtime_are_used() -> None:
    assert callable(snapshot_restore_py.register_before_snapshot)
    assert callable(snapshot_restore_py.register_after_restore)


def test_snapshot_has_no_open_connection_and_a_restore_renews(tmp_path: Path, aws: AWSDouble) -> None:
    aws.put("token", "at the snapshot")
    environ = {**aws.environ, **write_project(tmp_path, STAGE), **SNAP_START}
    code = f"""{START}
connection.ensure_connection()
for function, arguments, options in reversed(list(hooks.get_before_snapshot())):
    function(*arguments, **options)
closed = connection.connection is None
random.seed(1)
predictable = random.random()
random.seed(1)
os.environ["TOKEN"] = "not changed"
sys.stdout.write("snapshot\\n"); sys.stdout.flush(); sys.stdin.readline()
for function, arguments, options in hooks.get_after_restore():
    function(*arguments, **options)
result = [closed, random.random() != predictable, os.environ["TOKEN"]]
print(json.dumps(result))
"""
    import json
    import subprocess
    import sys

    from fresh import HARMLESS

    with subprocess.Popen(
        [sys.executable, "-c", f"import json\n{code}"],
        cwd=tmp_path,
        env={**HARMLESS, "PYTHONPATH": str(tmp_path), **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "snapshot\n"
        aws.put("token", "after the restore")
        process.stdin.write("restore\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == [True, True, "after the restore"]


REDIS = """
from types import SimpleNamespace
connection = SimpleNamespace(DefaultParser=None)
class ConnectionPool:
    closed = 0
    @classmethod
    def from_url(cls, url, **options):
        return cls()
    def disconnect(self):
        ConnectionPool.closed += 1
class Redis:
    def __init__(self, connection_pool):
        pass
    def get(self, key):
        return None
"""
"""The part of redis-py, which is not installed here, that Django's client uses."""


def test_snapshot_has_no_pool_of_a_cache(tmp_path: Path) -> None:
    environ = {**write_project(tmp_path), **SNAP_START}
    (tmp_path / "redis.py").write_text(REDIS)
    with (tmp_path / "jobs_settings.py").open("a") as settings:
        settings.write("CACHES = {'default': {'BACKEND': 'django.core.cache.backends.redis.RedisCache', ")
        settings.write("'LOCATION': 'redis://cache'}, 'unused': {'BACKEND': ")
        settings.write("'django.core.cache.backends.redis.RedisCache', 'LOCATION': 'redis://unused'}}\n")
    code = f"""{START}
from django.core.cache import cache
import redis
cache.get("key")
for function, arguments, options in hooks.get_before_snapshot():
    function(*arguments, **options)
result = redis.ConnectionPool.closed
"""
    assert evaluate(code, tmp_path, environ) == 1


def test_first_request_does_not_read_secrets_again_after_a_restore(tmp_path: Path, aws: AWSDouble) -> None:
    aws.put("token", "value")
    stage = Stage(stack_name="s", secrets=STAGE.secrets, secret_refresh=900)
    environ = {**aws.environ, **write_project(tmp_path, stage), **SNAP_START}
    code = f"""{START}
from pocket.django import runtime
runtime.registered("dev").at -= 1000  # the age of the snapshot
for function, arguments, options in hooks.get_after_restore():
    function(*arguments, **options)
result = management_command_handler({{"command": "job", "kwargs": {{"do": "look"}}}}, None)["exit_status"]
"""
    assert evaluate(code, tmp_path, environ) == 0
    assert aws.operations == ["BatchGetSecretValue"] * 2


def test_restore_that_cannot_read_secrets_uses_the_known_ones_and_logs_it(tmp_path: Path, aws: AWSDouble) -> None:
    aws.put("token", "known")
    environ = {**aws.environ, **write_project(tmp_path, STAGE), **SNAP_START, "AWS_LAMBDA_FUNCTION_NAME": "f"}
    code = f"""{START}
os.environ["AWS_ACCESS_KEY_ID"] = ""
for function, arguments, options in hooks.get_after_restore():
    function(*arguments, **options)
assert os.environ["TOKEN"] == "known"
"""
    done = run(code, tmp_path, environ)
    assert done.returncode == 0, done.stderr
    assert "the known values stay" in done.stderr


def test_no_hook_is_registered_without_snapstart(tmp_path: Path) -> None:
    code = f"{START}\nresult = len(list(hooks.get_before_snapshot()))"
    assert evaluate(code, tmp_path, write_project(tmp_path)) == 0


def test_runtime_without_hooks_starts(tmp_path: Path) -> None:
    code = "import sys; sys.modules['snapshot_restore_py'] = None\n"
    code += "from pocket.django.lambda_handlers import management_command_handler"
    done = run(code, tmp_path, {**write_project(tmp_path), **SNAP_START})
    assert done.returncode == 0, done.stderr
