"""uv and the Pythons of this machine; a missing one ends the benchmark with one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def find_uv() -> str:
    """The path of uv."""
    own = REPOSITORY / ".tools" / "bin" / "uv"
    found = str(own) if own.is_file() else shutil.which("uv")
    return found or sys.exit("The benchmarks need uv: run `make setup`, or install it.")


def find_python(wanted: str) -> str:
    """The path of a Python that runs: `wanted` is a path, or a version such as `3.13`."""
    for candidate in _candidates(wanted):
        done = subprocess.run([candidate, "-c", "pass"], capture_output=True, check=False)
        if done.returncode == 0:
            return candidate
    return sys.exit(f"There is no Python {wanted} on this machine. To install it: uv python install {wanted}")


def _candidates(wanted: str) -> Iterator[str]:
    if wanted == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield sys.executable
    # A shim of pyenv on the PATH only runs versions that pyenv has selected.
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if os.sep in wanted:
        yield from [wanted] if Path(wanted).is_file() else []
        return
    for folder in (*folders, *_version_folders(wanted)):
        if (path := Path(folder, f"python{wanted}")).is_file():
            yield str(path)


def _version_folders(wanted: str) -> Iterator[str]:
    """Folders of the Pythons that pyenv and uv have installed."""
    homes = (Path.home() / ".pyenv" / "versions", Path.home() / ".local" / "share" / "uv" / "python")
    for home in homes:
        for pattern in (f"{wanted}*/bin", f"cpython-{wanted}*/bin"):
            yield from map(str, sorted(home.glob(pattern)))
