"""PostgreSQL's own programs on a stage's database: its state, a shell, dumps, and a dump restored beside it.

The password is in the programs' environment, never in their arguments, which every user of a machine can read.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pocket import work_folder
from pocket.errors import DeployError

if TYPE_CHECKING:
    from pathlib import Path

    from pocket.deploy.operate.database import Access

_STATUS = """
SELECT split_part(current_setting('server_version'), ' ', 1),
    pg_database_size(current_database()),
    (SELECT count(*) FROM pg_stat_user_tables),
    (SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL),
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true), '0')::int
"""
_SWITCH = """
ALTER DATABASE :"name" ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'name' \\g /dev/null
BEGIN;
ALTER DATABASE :"name" RENAME TO :"before";
ALTER DATABASE :"fresh" RENAME TO :"name";
COMMIT;
ALTER DATABASE :"before" ALLOW_CONNECTIONS true;
"""


@dataclass(frozen=True)
class DatabaseStatus:
    """A database that answers: `size` in bytes, `connections` open of `limit`, both of the whole server."""

    engine: str
    version: str
    host: str
    name: str
    user: str
    size: int
    tables: int
    connections: int
    limit: int


def backup_file(directory: Path, stage: str) -> Path:
    """The path of a new dump of the stage, in the project's folder for them, which is made. Raises OSError."""
    return work_folder.make(directory, "backups") / f"{stage}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump"


class Programs:
    """psql, pg_dump and pg_restore in `folder`, for one database."""

    def __init__(self, folder: Path, access: Access) -> None:
        self._folder = folder
        self._access = access

    def status(self, engine: str) -> DatabaseStatus:
        """The state of the database; raises DeployError if it does not answer."""
        version, *numbers = self.sql(_STATUS).split("|")
        size, tables, connections, limit = map(int, numbers)
        found = self._access
        return DatabaseStatus(engine, version, found.place, found.name, found.user, size, tables, connections, limit)

    def shell(self) -> None:
        """Replaces this process by psql."""
        program = str(self._folder / "psql")
        os.execve(program, [program], {**os.environ, **self._access.environment()})  # noqa: S606 - no shell

    def dump(self, file: Path) -> None:
        """Writes a dump that `restore` takes, whole or not at all. Raises DeployError."""
        self._check_version()
        part = file.with_name(f"{file.name}.part")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise DeployError(f"{part} cannot be written: {error.strerror}.", "Choose another file.") from error
        os.close(descriptor)
        try:
            self._run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={part}")
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)

    def restore(self, file: Path) -> str:
        """The name of a new database beside this one with what is in the dump. Raises DeployError, and leaves none."""
        self._check_version()
        self._run("pg_restore", "--list", str(file), quiet=True)
        fresh = f"{self._access.name[:40]}_{datetime.now(UTC):%Y%m%d_%H%M%S}"
        self.sql('CREATE DATABASE :"fresh"', fresh=fresh)
        try:
            self._run("pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={fresh}", str(file))
        except BaseException:
            self.sql('DROP DATABASE :"fresh" WITH (FORCE)', fresh=fresh)
            raise
        return fresh

    def switch(self, fresh: str) -> str:
        """Gives the database `fresh` the name of this one, which gets another; returns that. Ends its connections."""
        before = f"{fresh}_before"
        self.sql(_SWITCH, database="postgres", name=self._access.name, fresh=fresh, before=before)
        return before

    def sql(self, statement: str, *, database: str | None = None, **values: str) -> str:
        """The output of the statements; psql quotes the values. Raises DeployError."""
        options = [part for name, value in values.items() for part in ("-v", f"{name}={value}")]
        arguments = ("-X", "-q", "-At", "-w", "-v", "ON_ERROR_STOP=1", *options)
        return self._run("psql", *arguments, text=statement, database=database).strip()

    def _check_version(self) -> None:
        server = int(self.sql("SHOW server_version_num")) // 10000
        found = re.search(r"\d+", self._run("pg_dump", "--version"))
        own = int(found[0]) if found else 0
        if own < server:
            raise DeployError(
                f"pg_dump in {self._folder} is of PostgreSQL {own}, and the server is {server}.",
                f"Install the client programs of PostgreSQL {server} or later.",
            )

    def _run(
        self, name: str, *arguments: str, text: str | None = None, database: str | None = None, quiet: bool = False
    ) -> str:
        program = self._folder / name
        try:
            done = subprocess.run(  # noqa: S603 - a program that was looked for, with arguments as a list
                [str(program), *arguments],
                input=text,
                stdin=subprocess.DEVNULL if text is None else None,
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "LC_ALL": "C", **self._access.environment(database)},
            )
        except OSError as error:
            raise DeployError(f"{program} cannot be run: {error.strerror}.", "Install PostgreSQL's client.") from error
        if done.returncode:
            reason = done.stderr.strip() or f"It ended with {done.returncode}."
            raise DeployError(
                f"{name} on the database {database or self._access.name} at {self._access.place}: {reason}"
            )
        return "" if quiet else done.stdout
