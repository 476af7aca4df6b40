"""The two Python environments in the state folder: MiniStack's, and the bare one that functions run on.

MiniStack pins botocore, so it cannot share the project's environment; uv builds its own once, from its cache where it
can. Functions get an environment without any package, since what they need comes in their zip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

from pocket.errors import LocalAWSError

REQUIREMENTS = Path(__file__).with_name("launcher") / "requirements.txt"


def emulator_python(folder: Path) -> Path:
    """MiniStack's interpreter under `folder`, installed if it is not or is out of date."""
    environment = folder / "ministack"
    mark, wanted = environment / "pocket-mark", _mark()
    python = environment / "bin" / "python"
    if python.exists() and mark.exists() and mark.read_text() == wanted:
        return python
    shutil.rmtree(environment, ignore_errors=True)
    uv = find_uv()
    _run([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(environment)])
    install = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--python", str(python)]
    _run([*install, "--requirements", str(REQUIREMENTS)])
    mark.write_text(wanted)
    return python


def function_python(folder: Path) -> Path:
    """The bare interpreter under `folder`, made if it is not or is of another Python."""
    environment = folder / "python"
    mark = environment / "pocket-mark"
    python = environment / "bin" / "python"
    wanted = f"{sys.version}\n{sys.base_prefix}\n"
    if not (python.exists() and mark.exists() and mark.read_text() == wanted):
        venv.EnvBuilder(clear=True, symlinks=True, with_pip=False).create(environment)
        mark.write_text(wanted)
    return python


def find_uv() -> str:
    """The uv that came with Pocket's `cli` extra, else the one on PATH."""
    if find_spec("uv") is not None:
        import uv

        try:
            return uv.find_uv_bin()
        except FileNotFoundError:
            pass
    found = shutil.which("uv")
    if found is None:
        raise LocalAWSError("uv is not installed; it installs the local AWS.", "Run: pip install 'django-pocket[cli]'")
    return found


def _mark() -> str:
    return f"{sys.version}\n{sys.base_prefix}\n{REQUIREMENTS.read_text()}"


def _run(command: list[str]) -> None:
    # Another project's active environment must not be what uv installs into.
    variables = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)  # noqa: S603
    if done.returncode:
        raise LocalAWSError(
            f"The local AWS could not be installed: {' '.join(command[:3])} ended with {done.returncode}:\n"
            f"{done.stderr.strip()}",
            "The first start needs the package index, or uv's cache; later starts need neither.",
        )
