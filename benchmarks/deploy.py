"""How long a deploy takes, and how much it sends: nothing changed, one line, and one of 10,000 static files.

Those are the output of a frontend's build tool, or of an application. The example of this repository, on the local
AWS, beside what other tools take to package the same project.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from machine import REPOSITORY, find_python, find_uv

WORK = REPOSITORY / ".e2e" / "benchmark-deploy"
"""As deep below the repository as the example, whose lock names the repository by a relative path."""

BOARD = REPOSITORY / "examples" / "board"
OTHERS = REPOSITORY / ".e2e" / "benchmark-others"
MANY = 10_000
PYTHON = "3.11"
HASHED = "manifest = true\n"
IGNORED = shutil.ignore_patterns(".pocket", ".venv", ".env", "db.sqlite3", "__pycache__", "media")

SAM = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Web:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.11, Handler: config.wsgi.application, CodeUri: ., Timeout: 30}
"""
ZAPPA = {
    "bench": {
        "django_settings": "config.settings",
        "project_name": "board",
        "runtime": "python3.11",
        "s3_bucket": "unused",
        "aws_region": "us-east-1",
    }
}
SERVERLESS = """
service: board
frameworkVersion: "3"
provider: {name: aws, runtime: python3.11}
functions: {web: {handler: config.wsgi.application}}
plugins: [serverless-python-requirements]
custom: {pythonRequirements: {dockerizePip: false, pythonBin: PYTHON_BIN, usePoetry: false}}
package: {patterns: ["!node_modules/**"]}
"""


@dataclass
class Case:
    """The runs of one case: seconds of the clock and of the processor, and bytes that were sent, with the whole."""

    tool: str
    name: str
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    failure: str = ""

    def run(self, command: list[str], cwd: Path, environ: dict[str, str] | None = None) -> None:
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            command, cwd=cwd, env=environ or environment(), capture_output=True, text=True, check=False, timeout=900
        )
        self.seconds.append(time.perf_counter() - begun)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.processor.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if done.returncode:
            self.failure = (done.stderr.strip() or done.stdout.strip() or "?").splitlines()[-1][:160]
        found = re.search(r"Sent (\S+ MB) of (\S+ MB)", done.stderr)
        self.sent.append(f"{found[1]} of {found[2]}" if found else "nothing" if self.tool == "pocket deploy" else "all")

    def row(self) -> str:
        if self.failure:
            return f"| {self.tool} | {self.name} | did not run: {self.failure} | | |"
        times = f"{statistics.median(self.seconds):.1f} ({min(self.seconds):.1f} to {max(self.seconds):.1f})"
        return f"| {self.tool} | {self.name} | {times} | {statistics.median(self.processor):.1f} | {self.sent[-1]} |"


def environment(**more: str) -> dict[str, str]:
    left_out = ("AWS_", "POCKET_", "DJANGO_", "PYTHONDONTWRITEBYTECODE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    return {**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, **more}


def append(path: Path) -> None:
    """Changes one line of a file."""
    text = path.read_text()
    path.write_text(f"{text}\n{'#' if path.suffix == '.py' else '/* */'}")


def pocket(rounds: int) -> list[Case]:
    """A deploy to the local AWS; the first one, with all of it, is not counted."""
    # As pip does it: without, each process of every round would compile Django, boto3 and pydantic.
    compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2)
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(BOARD, WORK, ignore=IGNORED)
    command = [sys.executable, "-m", "pocket"]
    deploy = [*command, "deploy", "--local", "--stage", "local", "--yes"]
    nothing, line, built, hashed = (
        Case("pocket deploy", name)
        for name in (
            "nothing",
            "a line",
            f"one of {MANY:,} static files of a frontend",
            f"one of {MANY:,} static files of an application",
        )
    )
    with (REPOSITORY / ".e2e" / "benchmark-deploy.log").open("w") as log:
        local = subprocess.Popen(
            [*command, "local"],
            cwd=WORK,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        if not local.stdout or not local.stdout.readline():
            sys.exit(f"pocket local did not start: {log.name}")
        module = WORK / "bbs" / "apps.py"
        for _ in range(rounds):
            nothing.run(deploy, WORK)
            append(module)
            line.run(deploy, WORK)
        for case, many in ((built, _frontend()), (hashed, WORK / "bbs" / "static" / "many")):
            for number in range(MANY):
                place = many / f"{number // 100}" / f"{number}.svg"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(f"<svg><!-- {number} -->{'<path/>' * 200}</svg>")
            Case("pocket deploy", "all").run(deploy, WORK)
            for _ in range(rounds):
                append(many / "0" / "1.svg")
                case.run(deploy, WORK)
            shutil.rmtree(many)
            for name in ("pocket.toml", "config/settings.py"):
                shutil.copyfile(BOARD / name, WORK / name)
    finally:
        local.send_signal(signal.SIGINT)
        local.wait(60)
    return [nothing, line, built, hashed]


def _frontend() -> Path:
    """A folder for the output of a build tool, which hashes names itself: its files are uploaded as they are."""
    file, settings, folder = WORK / "pocket.toml", WORK / "config" / "settings.py", WORK / "dist"
    text = file.read_text()
    if text.count(HASHED) != 1:
        sys.exit(f"{file} does not hash static files any more.")
    file.write_text(text.replace(HASHED, ""))
    settings.write_text(f'{settings.read_text()}\nSTATICFILES_DIRS = [BASE_DIR / "dist"]\n')
    return folder


def others(rounds: int) -> Iterator[Case]:
    """What other tools take to package the project; none of them sends anything here."""
    shutil.rmtree(OTHERS, ignore_errors=True)
    shutil.copytree(BOARD, OTHERS, ignore=IGNORED)
    uv, python = find_uv(), find_python(PYTHON)
    options = ["--frozen", "--no-default-groups", "--no-emit-project", "--no-emit-package", "django-pocket"]
    exported = subprocess.run(
        [uv, "export", *options, "--no-hashes", "--no-header"],
        cwd=BOARD,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (OTHERS / "requirements.txt").write_text(exported)
    (OTHERS / "pyproject.toml").unlink()
    (OTHERS / "template.yaml").write_text(SAM)
    (OTHERS / "zappa_settings.json").write_text(json.dumps(ZAPPA))
    yield from _zappa(uv, python, rounds)
    yield from _sam(uv, python, rounds)
    yield from _serverless(uv, python, rounds)


def _measured(tool: str, command: list[str], rounds: int, environ: dict[str, str]) -> list[Case]:
    nothing, line = Case(tool, "nothing"), Case(tool, "a line")
    Case(tool, "first").run(command, OTHERS, environ)
    for _ in range(rounds):
        nothing.run(command, OTHERS, environ)
        append(OTHERS / "bbs" / "apps.py")
        line.run(command, OTHERS, environ)
    return [nothing, line]


def _installed(uv: str, python: str, name: str, *packages: str) -> Path:
    place = REPOSITORY / ".e2e" / f"benchmark-{name}"
    subprocess.run([uv, "venv", "-q", "--clear", "--python", python, place], check=True)
    install = [uv, "pip", "install", "-q", "--compile-bytecode", "--python", place / "bin" / "python"]
    subprocess.run([*install, *packages], check=True)
    return place


def _zappa(uv: str, python: str, rounds: int) -> list[Case]:
    place = _installed(uv, python, "zappa", "zappa", "setuptools<81", "pip", "-r", str(OTHERS / "requirements.txt"))
    environ = environment(
        VIRTUAL_ENV=str(place),
        PATH=f"{place}/bin:{os.environ['PATH']}",
        AWS_ACCESS_KEY_ID="x",
        AWS_SECRET_ACCESS_KEY="x",
        AWS_DEFAULT_REGION="us-east-1",
    )
    command = [str(place / "bin" / "zappa"), "package", "bench", "-o", str(OTHERS.parent / "benchmark-zappa.zip")]
    return _measured("zappa package", command, rounds, environ)


def _sam(uv: str, python: str, rounds: int) -> list[Case]:
    place = _installed(uv, python, "sam", "aws-sam-cli", "pip", "setuptools<81")
    environ = environment(
        PATH=f"{place}/bin:{os.environ['PATH']}", SAM_CLI_TELEMETRY="0", AWS_DEFAULT_REGION="us-east-1"
    )
    build = str(OTHERS.parent / "benchmark-sam-build")
    command = [str(place / "bin" / "sam"), "build", "--cached", "--build-dir", build, "--cache-dir", f"{build}-cache"]
    return _measured("sam build --cached", command, rounds, environ)


def _serverless(uv: str, python: str, rounds: int) -> list[Case]:
    npm = shutil.which("npm")
    if npm is None:
        return [Case("serverless-python-requirements", "nothing", failure="there is no npm on this machine")]
    done = subprocess.run(
        [npm, "install", "--no-save", "--silent", "serverless@3", "serverless-python-requirements@6"],
        cwd=OTHERS,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1][:160]
        return [Case("serverless-python-requirements", "nothing", failure=reason)]
    # The plugin runs the pip of this Python.
    place = _installed(uv, python, "serverless", "pip", "setuptools<81")
    (OTHERS / "serverless.yml").write_text(SERVERLESS.replace("PYTHON_BIN", str(place / "bin" / "python")))
    command = [str(OTHERS / "node_modules" / ".bin" / "serverless"), "package"]
    environ = environment(SLS_TELEMETRY_DISABLED="1", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
    return _measured("serverless-python-requirements", command, rounds, environ)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("pocket", "others"))
    arguments = parser.parse_args()
    runs: list[Callable[[int], Iterable[Case]]] = [pocket] if arguments.only != "others" else []
    runs += [others] if arguments.only != "pocket" else []
    print(f"Load before: {os.getloadavg()[0]:.1f}\n")
    print("| Tool | Changed | Seconds | Processor time | Sent |\n|---|---|---|---|---|")
    for run in runs:
        for case in run(arguments.rounds):
            print(case.row(), flush=True)
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
