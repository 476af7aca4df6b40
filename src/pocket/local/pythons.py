"""The two Python environments in the state folder: MiniStack's, and the empty one that functions run on.

MiniStack pins botocore, so it cannot share the project's environment; uv builds one for it once, from its cache if
possible. The functions' environment has no packages, since what they need is in their zip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from pocket import uv_program
from pocket.errors import LocalAWSError

REQUIREMENTS = Path(__file__).with_name("launcher") / "requirements.txt"


def emulator_python(folder: Path) -> Path:
    """MiniStack's interpreter under `folder`, installed if it is missing or out of date."""
    environment = folder / "ministack"
    mark, wanted = environment / "pocket-mark", _mark()
    python = environment / "bin" / "python"
    if python.exists() and mark.exists() and mark.read_text() == wanted:
        return python
    shutil.rmtree(environment, ignore_errors=True)
    uv = uv_program.find(LocalAWSError)
    install([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(environment)])
    options = ("--quiet", "--no-deps", "--require-hashes", "--requirements", str(REQUIREMENTS))
    install([uv, "pip", "install", *options, "--python", str(python)])
    mark.write_text(wanted)
    return python


def function_python(folder: Path) -> Path:
    """The empty environment's interpreter under `folder`, made if it is missing or of another Python."""
    environment = folder / "python"
    mark = environment / "pocket-mark"
    python = environment / "bin" / "python"
    wanted = f"{sys.version}\n{sys.base_prefix}\n"
    if not (python.exists() and mark.exists() and mark.read_text() == wanted):
        venv.EnvBuilder(clear=True, symlinks=True, with_pip=False).create(environment)
        mark.write_text(wanted)
    return python


def _mark() -> str:
    return f"{sys.version}\n{sys.base_prefix}\n{REQUIREMENTS.read_text()}"


def install(command: list[str], what: str = "The local AWS") -> None:
    """Run a command of uv; raises LocalAWSError with its output. Others can read what it installs."""
    # uv must not install into an active environment of another project.
    variables = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False, umask=0o022)  # noqa: S603
    if done.returncode:
        raise LocalAWSError(
            f"{what} could not be installed: {' '.join(command[:3])} ended with {done.returncode}:\n"
            f"{done.stderr.strip()}",
            "The first start needs a package index or uv's cache; later starts do not.",
        )
