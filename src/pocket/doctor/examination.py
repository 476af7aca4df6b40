"""The examination: new processes that start the project, and one report.

The first process runs every ready() twice, which also warms Python's bytecode and the system's page cache. The others
measure; the fastest, which was disturbed least, is reported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from pocket.doctor.report.advice import advice
from pocket.doctor.report.model import Issue, Report
from pocket.errors import CommandFailed

RUNS = 3
SECONDS = 180
_LAST = 2000


def examine(directory: Path, *, path: str = "/", runs: int = RUNS) -> Report:
    """The report of the project in `directory`, with this process's environment and `sys.path`.

    `path` is the first request's. Raises CommandFailed if a process ends without a result; a project that only fails
    to start has a report.
    """
    environ = _environ()
    twice = _child("twice", path, directory, environ)
    found = [_child("start", path, directory, environ) for _ in range(max(1, runs))]
    reports = [Report.from_json(item["report"]) for item in found]
    report = min(reports, key=lambda item: item.total_ms)
    repeated = [Issue(**{**item, "details": tuple(item["details"])}) for item in twice["issues"]]
    issues = [*report.issues, *repeated]
    if "LAMBDA_TASK_ROOT" not in os.environ:
        from pocket.doctor import scripts

        loaded = frozenset(item.module for item in report.imports())
        issues += scripts.scan(directory, frozenset(found[0]["models"]), loaded)
    stopped = report.stopped.replace(f"{directory}{os.sep}", "")
    notes = advice(report)
    return replace(report, notes=notes, stopped=stopped, issues=tuple(_relative(item, directory) for item in issues))


def project_directory() -> Path:
    """The project's folder: the one that the settings module is imported from."""
    name = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    file = getattr(sys.modules.get(name), "__file__", None)
    if not file:
        return Path.cwd()
    levels = name.count(".") + (Path(file).name == "__init__.py")
    return Path(file).resolve().parents[levels]


def _environ() -> dict[str, str]:
    """This process's environment without the secrets from `set_envs()`: the measured start reads them itself."""
    environ = dict(os.environ)
    runtime = sys.modules.get("pocket.django.runtime")
    fetched = runtime.registered(environ.get("POCKET_STAGE")) if runtime is not None else None
    for name in fetched.secrets if fetched is not None else ():
        environ.pop(name, None)
    environ["PYTHONPATH"] = os.pathsep.join(item or str(Path.cwd()) for item in sys.path)
    return environ


def _child(mode: str, path: str, directory: Path, environ: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="pocket-startup-") as folder:
        file = Path(folder) / "found.json"
        command = [sys.executable, "-P", "-m", "pocket.doctor.child", mode, str(file), path]
        try:
            done = subprocess.run(  # noqa: S603 - this interpreter, arguments as a list
                command,
                cwd=directory,
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="backslashreplace",
                check=False,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise CommandFailed(
                f"The project did not start within {SECONDS} seconds.",
                "Something waits while modules are imported or in ready(): a lock, the network, another process.",
            ) from None
        if not file.exists():
            raise CommandFailed(
                f"The process that starts the project ended with status {done.returncode}: {done.stderr[-_LAST:]}",
                "The project's code ended the process, or Pocket has a bug; in that case please report it.",
            )
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found


def _relative(issue: Issue, directory: Path) -> Issue:
    """The issue with paths relative to the project's folder."""
    prefix = f"{directory}{os.sep}"
    return replace(
        issue,
        file=issue.file.removeprefix(prefix),
        message=issue.message.replace(prefix, ""),
        details=tuple(line.replace(prefix, "") for line in issue.details),
    )
