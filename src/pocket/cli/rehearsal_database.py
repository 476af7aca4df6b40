"""The database of a rehearsal: one of its own, or the one that POCKET_LOCAL_DATABASE_URL names.

It is chosen when the embedded AWS starts and is the same from every terminal until that ends. The DATABASE_URL of a
shell is none of it: it may be a server that others use.
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
"""What SQLite adds to a file's name for the files that it keeps beside it."""


def named(environ: Mapping[str, str] = os.environ) -> str | None:
    """The database that the shell names for rehearsals, if it does."""
    return environ.get(VARIABLE) or None


def own_file(stage: StageConfig, aws: LocalAWS) -> Path:
    """The SQLite file that the stage has on `aws` where it uses no other database."""
    return aws.state_dir / "databases" / f"{stage.name}.sqlite3"


def variables(stage: StageConfig, aws: LocalAWS) -> dict[str, str]:
    """What the stage's functions are told of their database on `aws`; nothing where the file tells it.

    Raises LocalAWSError where the shell names another database than `aws` was started with, DeployError for a stage
    that has no functions.
    """
    container = stage.awscontainer
    if container is None:
        raise DeployError(
            f"Stage {stage.name!r} has no [awscontainer] table, so there is nothing to deploy.",
            "Declare at least one handler in [awscontainer.handlers.NAME].",
        )
    if named() not in (None, aws.database_url):
        raise LocalAWSError(
            f"{VARIABLE} names another database than the one that `pocket local` was started with.",
            f"Unset it, or end `pocket local` and start it again with the new {VARIABLE}.",
        )
    if aws.database_url:
        return {KEY: aws.database_url}
    if KEY in {*container.envs, *(variable.name for variable in stage.secret_variables)}:
        return {}
    file = own_file(stage, aws)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    return {KEY: f"sqlite:///{file}"}


def described(stage: StageConfig, aws: LocalAWS, environ: Mapping[str, str] = os.environ) -> str:
    """Which database the stage's functions are told of, in a line that holds no password."""
    if aws.database_url:
        return f"{KEY} is what {VARIABLE} said when the local AWS started."
    ignored = f" The shell's {KEY} is not used." if environ.get(KEY) else ""
    if KEY not in variables(stage, aws):
        return f"{KEY} is what pocket.toml declares; {VARIABLE} names another database.{ignored}"
    return f"{KEY} is a SQLite file of the stage's own; {VARIABLE} names another database.{ignored}"


def discard(stage: StageConfig, aws: LocalAWS) -> str:
    """Removes the stage's own file, once the stage is gone, and says what became of its database."""
    file = own_file(stage, aws)
    found = [path for path in file.parent.glob(f"{file.name}*") if path.name.removeprefix(file.name) in _PARTS]
    for path in found:
        path.unlink()
    if aws.database_url:
        return f"Kept: the database that {VARIABLE} names, which is your own."
    return f"Removed the stage's database {file}." if found else ""
