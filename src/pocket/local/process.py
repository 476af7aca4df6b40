"""The emulator's process: started with a clean environment in a session of its own, and always ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pocket import naming
from pocket.errors import LocalAWSError
from pocket.local.pythons import emulator_python, function_python

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.local.folder import StateFolder

LAUNCHER = Path(__file__).with_name("launcher")

START_SECONDS = 60.0
STOP_SECONDS = 10.0


def launch(
    folder: StateFolder, lock: IO[bytes], wanted: Mapping[str, Any]
) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """The running emulator, which holds `lock`, and its report; raises LocalAWSError where it does not start.

    `wanted` has settings that `launcher.server` reads: `sites`, `port`, `database_url`, `postgresql`.
    """
    python = emulator_python(folder.path)
    settings = {
        **wanted,
        "folder": str(folder.path),
        "packages": str(folder.make_packages()),
        "python": str(function_python(folder.path)),
        "python_version": naming.running_python(),
    }
    with folder.open_log() as log:
        process = _spawn(python, folder, lock, log)
    try:
        _write(process, settings)
        running = _read_report(process, folder)
    except BaseException:
        end(process)
        raise
    return process, running


def end(process: subprocess.Popen[bytes]) -> int:
    """End the emulator by closing its standard input, and kill what has not ended after `STOP_SECONDS`.

    Returns its exit status.
    """
    if process.stdin and not process.stdin.closed:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout:
        process.stdout.close()
    return process.returncode


def _spawn(python: Path, folder: StateFolder, lock: IO[bytes], log: IO[bytes]) -> subprocess.Popen[bytes]:
    kept = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
    return subprocess.Popen(  # noqa: S603 — our own interpreter and script
        [python, "-I", LAUNCHER],
        cwd=folder.path,
        env={
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder.temporary),
            "TMPDIR": str(folder.temporary),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        pass_fds=[lock.fileno()],
        start_new_session=True,
        umask=0o077,
    )


def _write(process: subprocess.Popen[bytes], settings: dict[str, Any]) -> None:
    assert process.stdin  # noqa: S101 — a pipe, as `_spawn` asked
    # If the process has died already, its log has the cause.
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.flush()


def _read_report(process: subprocess.Popen[bytes], folder: StateFolder) -> dict[str, Any]:
    assert process.stdout  # noqa: S101 — a pipe, as `_spawn` asked
    line, deadline = b"", time.monotonic() + START_SECONDS
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(process.stdout.fileno(), 1 << 16) if ready else b""
        if not part:
            why = "ended during its start" if ready else f"was not ready within {START_SECONDS:.0f} s"
            raise LocalAWSError(
                f"The local AWS {why}. The end of its log:\n{folder.last_log_lines()}",
                f"The complete log: {folder.log}",
            )
        line += part
    running: dict[str, Any] = json.loads(line)
    if "error" in running:
        raise _refused(running, folder)
    return running


def _refused(report: dict[str, Any], folder: StateFolder) -> LocalAWSError:
    if report["error"] == "port":
        return LocalAWSError(
            f"Port {report['port']} is in use.", "Choose another port, or stop the program that listens on it."
        )
    return LocalAWSError(
        f"The local AWS did not start: {report['message']}.", f"Remove {folder.path / 'ministack'} and start again."
    )
