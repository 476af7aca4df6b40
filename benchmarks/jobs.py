"""Runs background jobs on the local AWS, one in ten of them a bad one, and says what became of each.

A bad job raises an exception, calls `sys.exit()`, calls `os._exit()`, or takes too long.

    .venv/bin/python benchmarks/jobs.py [--jobs 500]

It deploys `jobs_project` with `pocket local`. It exits with 1 unless each sound job had exactly one effect, and each
other one is a dead letter with its reason.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django

REPOSITORY = Path(__file__).resolve().parent.parent
POCKET = Path(sys.executable).with_name("pocket")
CHUNK = 100
"""Jobs that one command enqueues, within its function's time."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=500)
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory(prefix="pocket-jobs-") as name:
        folder = Path(name) / "jobs"
        shutil.copytree(REPOSITORY / "benchmarks" / "jobs_project", folder)
        pocket = Path(name) / "pocket"
        shutil.copytree(REPOSITORY / "src", pocket / "src")
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(REPOSITORY / file, pocket)
        (folder / "requirements.txt").write_text(
            f"django=={django.__version__}\ndjango-pocket[tasks] @ {pocket.as_uri()}\n"
        )
        with (folder / "local.log").open("w") as log:
            local = subprocess.Popen([POCKET, "local"], cwd=folder, stdout=log, stderr=log)
        try:
            while "Ctrl-C" not in (folder / "local.log").read_text():
                if local.poll() is not None:
                    sys.exit((folder / "local.log").read_text())
                time.sleep(0.5)
            return measure(folder, jobs)
        finally:
            local.send_signal(signal.SIGINT)
            local.wait(30)


def measure(folder: Path, jobs: int) -> int:
    started = time.monotonic()
    seconds = sum(
        float(run(folder, "manage", "enqueue", str(first), str(min(first + CHUNK, jobs))))
        for first in range(0, jobs, CHUNK)
    )
    found: dict[str, Any] = {"open": 1}
    while found["open"] and time.monotonic() - started < 900:
        time.sleep(2)
        found = json.loads(run(folder, "manage", "effects"))
    took = time.monotonic() - started
    [queue] = json.loads(run(folder, "status", "--format", "json"))["queues"]
    print(f"enqueue: {seconds / jobs * 1000:.1f} ms a job, with its record; all {jobs} jobs: {took:.0f} s")
    for what, number in found["jobs"].items():
        print(f"{what:40}{number:6}")
    bad = jobs // 10
    print(
        f"exactly one effect: {found['once']} of {jobs - bad}; several: {found['more']}; dead letters: {queue['dead']}"
    )
    whole = found["once"] == jobs - bad and not found["more"] and not found["open"] and queue["dead"] == bad
    return 0 if whole else 1


def run(folder: Path, command: str, *arguments: str) -> str:
    done = subprocess.run(
        [POCKET, command, "--stage", "local", "--local", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
