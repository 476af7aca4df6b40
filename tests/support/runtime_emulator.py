"""AWS's own emulator of a function's environment, with AWS's runtime client for Python inside.

The emulator is a program in the wheel of aws-sam-cli, which is fetched by itself: its dependencies are pinned to
versions that would not go with this project's.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from uv import find_uv_bin

VERSION = "1.170.0"
CACHE = Path(__file__).parent.parent.parent / ".tools" / f"aws-sam-cli-{VERSION}"
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_STEP = 0.02


class EmulatorUnavailable(Exception):
    """The emulator could not be fetched, or has no build for this machine."""


def program() -> Path:
    """The emulator's program, from the cache or from PyPI."""
    machine = _MACHINES.get(platform.machine().lower())
    if machine is None or sys.platform != "linux":
        raise EmulatorUnavailable(f"AWS's runtime emulator has no build for {sys.platform} on {platform.machine()}.")
    path = CACHE / f"samcli/local/rapid/aws-lambda-rie-{machine}"
    if not path.exists():
        partial = CACHE.with_name(f"{CACHE.name}-{uuid4().hex}")
        done = _fetch(partial)
        if done.returncode != 0:
            shutil.rmtree(partial, ignore_errors=True)
            raise EmulatorUnavailable(f"aws-sam-cli could not be fetched: {done.stderr.strip()[-400:]}")
        try:
            partial.rename(CACHE)
        except OSError:  # another process was quicker
            shutil.rmtree(partial)
    path.chmod(0o755)
    return path


def _fetch(directory: Path) -> subprocess.CompletedProcess[str]:
    directory.mkdir(parents=True)
    requirement = f"aws-sam-cli=={VERSION}"
    return subprocess.run(
        [
            find_uv_bin(),
            "pip",
            "install",
            "--python",
            sys.executable,
            "--no-deps",
            "--target",
            str(directory),
            requirement,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


@dataclass(frozen=True)
class Function:
    """A function that runs: `url` takes invocations; its log grows in a file."""

    url: str
    log_file: Path

    def invoke(self, event: bytes) -> bytes:
        """What the runtime sent back for `event`, as it came."""
        request = urllib.request.Request(self.url, event, {"Content-Type": "application/json"}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                payload: bytes = response.read()
        except urllib.error.HTTPError as error:  # a function that did not start
            with error:
                payload = error.read()
        return payload

    @property
    def log(self) -> str:
        """All that emulator and function have written so far."""
        return self.log_file.read_text(errors="replace")


@contextmanager
def running(handler: str, directory: Path, environ: Mapping[str, str], timeout: int = 30) -> Iterator[Function]:
    """A function with the handler `handler`, as Lambda writes it, and its code in `directory`; `timeout` in seconds."""
    front, runtime = _free_ports()
    log_file = directory / "function.log"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    env: dict[str, Any] = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(directory),
        "LAMBDA_TASK_ROOT": str(directory),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
        **environ,
    }
    command = [program(), "--runtime-interface-emulator-address", f"127.0.0.1:{front}"]
    command += ["--runtime-api-address", f"127.0.0.1:{runtime}", sys.executable, "-m", "awslambdaric", handler]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, cwd=directory, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait(front, process)
        yield Function(f"http://127.0.0.1:{front}/2015-03-31/functions/function/invocations", log_file)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _free_ports() -> tuple[int, int]:
    """Two ports; both are taken at once, so that they differ."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "the emulator ended at its start"
        time.sleep(_STEP)
    raise AssertionError("the emulator does not listen")
