"""The database of a rehearsal: a SQLite file for each stage, or the database in POCKET_LOCAL_DATABASE_URL.

It is chosen when the local AWS starts, and is the same in every terminal until the local AWS stops. The shell's
DATABASE_URL is ignored: it may be a server that others use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pocket.errors import DeployError, LocalAWSError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pocket.config import StageConfig
    from pocket.local import LocalAWS

KEY = "DATABASE_URL"
VARIABLE = "POCKET_LOCAL_DATABASE_URL"

_PARTS = ("", "-journal", "-shm", "-wal")
"""The suffixes of the file and of the files that SQLite creates beside it."""


def named(environ: Mapping[str, str] = os.environ) -> str | None:
    """The shell's database for rehearsals; None if it is not set."""
    return environ.get(VARIABLE) or None


def own_file(stage: StageConfig, aws: LocalAWS) -> Path:
    """The stage's SQLite file on `aws`, which it uses unless it has another database."""
    return aws.state_dir / "databases" / f"{stage.name}.sqlite3"


def variables(stage: StageConfig, aws: LocalAWS) -> dict[str, str]:
    """The variable with the database of the stage's functions on `aws`; empty if pocket.toml declares it.

    Raises LocalAWSError if the shell's database differs from the one that `aws` was started with, DeployError for a
    stage without functions.
    """
    container = stage.awscontainer
    if container is None:
        raise DeployError(
            f"Stage {stage.name!r} has no [awscontainer] table, so there is nothing to deploy.",
            "Declare at least one handler in [awscontainer.handlers.NAME].",
        )
    if named() not in (None, aws.database_url):
        raise LocalAWSError(
            f"{VARIABLE} differs from the one that pocket local was started with.",
            f"Unset {VARIABLE}, or restart pocket local with the new one.",
        )
    if aws.database_url:
        return {KEY: aws.database_url}
    if KEY in {*container.envs, *(variable.name for variable in stage.secret_variables)}:
        return {}
    file = own_file(stage, aws)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    return {KEY: f"sqlite:///{file}"}


def described(stage: StageConfig, aws: LocalAWS, environ: Mapping[str, str] = os.environ) -> str:
    """Where the DATABASE_URL of the stage's functions comes from, without its password."""
    if aws.database_url:
        return f"{KEY} is the {VARIABLE} that pocket local was started with."
    ignored = f" The shell's {KEY} is ignored." if environ.get(KEY) else ""
    if KEY not in variables(stage, aws):
        return f"{KEY} is declared in pocket.toml; {VARIABLE} overrides it.{ignored}"
    return f"{KEY} is a SQLite file of this stage; {VARIABLE} overrides it.{ignored}"


def discard(stage: StageConfig, aws: LocalAWS) -> str:
    """Removes the SQLite file of a removed stage; returns a message, empty if there was no file."""
    file = own_file(stage, aws)
    found = [path for path in file.parent.glob(f"{file.name}*") if path.name.removeprefix(file.name) in _PARTS]
    for path in found:
        path.unlink()
    if aws.database_url:
        return f"Kept: the database in {VARIABLE}."
    return f"Removed the stage's database {file}." if found else ""
