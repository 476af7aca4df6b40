"""Compiles an artifact's modules, so that functions do not compile them at each start.

The files are unchecked-hash pycs (PEP 552): valid with any timestamps in the zip. Code objects name the folder
in which Lambda unpacks the zip, not the build folder.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pocket import naming, uv_program
from pocket.deploy.build import children
from pocket.errors import BuildFailed

TASK_ROOT = "/var/task"
"""Where Lambda unpacks a zip."""

_PYC = re.compile(r"(?P<folder>(?:.*/)?)__pycache__/(?P<name>[^/.]+)\.cpython-[0-9]+\.pyc")


def source_of(name: str) -> str | None:
    """The path of the module that the file `name` was compiled from; None where it is not a compiled file."""
    found = _PYC.fullmatch(name)
    return f"{found['folder']}{found['name']}.py" if found else None


def find_interpreter(python: str) -> str | None:
    """The path of a CPython of the minor version `python`, the only one that writes its bytecode; None without one."""
    if python == naming.running_python() and sys.implementation.name == "cpython":
        return sys.executable
    done = children.run([uv_program.find(BuildFailed), "python", "find", "--no-project", f"cpython@{python}"])
    return done.stdout.strip() or None


def identity(interpreter: str | None) -> str:
    """The full version of `interpreter`, which decides the bytes of what it compiles; empty for None."""
    if interpreter is None or interpreter == sys.executable:
        return sys.version if interpreter else ""
    done = children.run([interpreter, "-I", "-c", "import sys; print(sys.version)"])
    done.check_returncode()
    return done.stdout.strip()


def compile_tree(interpreter: str, tree: Path, *, processes: int = 0) -> list[str]:
    """Writes `__pycache__` beside every module below `tree`; returns the files that do not compile, relative to it.

    0 `processes` are as many as there are processors.
    """
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", TASK_ROOT, "-j", str(processes)]
    done = children.run([interpreter, "-I", "-m", "compileall", *options, str(tree)])
    marker = "*** Error compiling '"
    lines = (line for line in done.stdout.splitlines() if line.startswith(marker))
    paths = (Path(line.removeprefix(marker).rsplit("'", 1)[0]) for line in lines)
    return sorted(path.relative_to(tree).as_posix() for path in paths)
