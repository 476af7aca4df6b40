"""The database of a rehearsal: the one in POCKET_LOCAL_DATABASE_URL, else one that Pocket keeps for each stage.

A stage with `[database]` has it on the project's own PostgreSQL server. For any other stage it is a SQLite file.

It is chosen when the local AWS starts, and is the same in every terminal until the local AWS stops. The shell's
DATABASE_URL is ignored: it may be a server that others use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pocket import naming
from pocket.errors import DeployError, LocalAWSError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pocket.config import Project, StageConfig
    from pocket.local import LocalAWS
    from pocket.local.postgresql.server import Server

KEY = "DATABASE_URL"
VARIABLE = "POCKET_LOCAL_DATABASE_URL"

_PARTS = ("", "-journal", "-shm", "-wal")
"""The suffixes of the file and of the files that SQLite creates beside it."""


def named(environ: Mapping[str, str] = os.environ) -> str | None:
    """The shell's database for rehearsals; None if it is not set."""
    return environ.get(VARIABLE) or None


def needs_server(project: Project) -> bool:
    """Whether a stage of the project uses a PostgreSQL server of its own in a rehearsal."""
    return named() is None and any(stage.database is not None for stage in project.stages.values())


def own_file(stage: StageConfig, aws: LocalAWS) -> Path:
    """The stage's SQLite file on `aws`, which it uses unless it has another database."""
    return aws.state_dir / "databases" / f"{stage.name}.sqlite3"


def own_name(stage: StageConfig) -> str:
    """The name of the stage's database on the project's server."""
    return f"pocket_{stage.name}"


def own(stage: StageConfig, aws: LocalAWS) -> tuple[str, str]:
    """Name and host of the database that Pocket keeps for the stage; a file has no host."""
    if stage.database is not None and aws.postgresql is not None:
        return own_name(stage), aws.postgresql.host
    return str(own_file(stage, aws)), ""


def variables(stage: StageConfig, aws: LocalAWS) -> dict[str, str]:
    """The variable with the database of the stage's functions on `aws`; empty if pocket.toml declares it.

    Raises LocalAWSError if the shell's database differs from the one that `aws` was started with, and if the stage
    needs a server and `aws` was started without; DeployError for a stage without functions.
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
    key = stage.database_variable or KEY
    if aws.database_url:
        return _given(stage, key, aws.database_url)
    if stage.database is not None:
        return _given(stage, key, _server(aws).url(own_name(stage)))
    if _is_declared(stage):
        return {}
    file = own_file(stage, aws)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    return {KEY: f"sqlite:///{file}"}


def _is_declared(stage: StageConfig) -> bool:
    envs = stage.awscontainer.envs if stage.awscontainer else {}
    return KEY in {*envs, *(variable.name for variable in stage.secret_variables)}


def _given(stage: StageConfig, key: str, url: str) -> dict[str, str]:
    """The variable, and that its secret is not read, if it has one."""
    is_secret = any(variable.name == key for variable in stage.secret_variables)
    return {key: url, **({naming.GIVEN_KEY: key} if is_secret else {})}


def _server(aws: LocalAWS) -> Server:
    if aws.postgresql is None:
        raise LocalAWSError(
            "The stage has [database], and pocket local was started without a PostgreSQL server.",
            "Restart pocket local.",
        )
    return aws.postgresql


def prepare(stage: StageConfig, aws: LocalAWS) -> None:
    """Makes the stage's database on the project's server, unless it exists or the stage uses another one."""
    if stage.database is not None and not aws.database_url:
        _server(aws).create(own_name(stage))


def described(stage: StageConfig, aws: LocalAWS, environ: Mapping[str, str] = os.environ) -> str:
    """Where the database URL of the stage's functions comes from, without its password."""
    key = stage.database_variable or KEY
    if aws.database_url:
        return f"{key} is the {VARIABLE} that pocket local was started with."
    ignored = f" The shell's {KEY} is ignored." if environ.get(KEY) else ""
    if stage.database is not None:
        server = _server(aws)
        place = f"the database {own_name(stage)} of the project's own PostgreSQL {server.version} at {server.host}"
    elif _is_declared(stage):
        return f"{key} is declared in pocket.toml; {VARIABLE} overrides it.{ignored}"
    else:
        place = "a SQLite file of this stage"
    return f"{key} is {place}; {VARIABLE} overrides it.{ignored}"


def discard(stage: StageConfig, aws: LocalAWS) -> str:
    """Removes the database of a removed stage; returns a message, empty if there was no database."""
    file = own_file(stage, aws)
    found = [path for path in file.parent.glob(f"{file.name}*") if path.name.removeprefix(file.name) in _PARTS]
    for path in found:
        path.unlink()
    if aws.database_url:
        return f"Kept: the database in {VARIABLE}."
    if aws.postgresql is not None and aws.postgresql.drop(own_name(stage)):
        return f"Removed the stage's database {own_name(stage)} at {aws.postgresql.host}."
    return f"Removed the stage's database {file}." if found else ""
