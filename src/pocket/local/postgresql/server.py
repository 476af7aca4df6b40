"""A running server: its addresses, and the databases of the stages in it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pocket.errors import LocalAWSError

HOST = "127.0.0.1"
ROLE = "pocket"
"""The role that owns the stages' databases. It is no superuser, as on AWS."""

_ADMINISTRATOR = "postgres"
_FIND_DATABASE = "SELECT 1 FROM pg_database WHERE datname = :'name'"
_CREATE_ROLE = """
\\getenv password PGPASSWORD
CREATE ROLE :"role" LOGIN CREATEDB PASSWORD :'password'
"""


@dataclass(frozen=True)
class Server:
    """A running server on loopback; `programs` is the folder of psql and pg_dump of its version."""

    port: int
    version: str
    programs: str
    password: str = field(repr=False)

    @property
    def host(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    def url(self, database: str) -> str:
        """The URL of a database, with the password."""
        return f"postgres://{ROLE}:{self.password}@{self.host}/{database}"

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(Path(self.programs) / name)

    def create(self, database: str) -> bool:
        """Makes the database unless it exists; returns whether it did. Raises LocalAWSError."""
        if self._sql(_FIND_DATABASE, name=database):
            return False
        self._sql('CREATE DATABASE :"name" OWNER :"role"', name=database, role=ROLE)
        return True

    def drop(self, database: str) -> bool:
        """Removes the database, also while it is in use; returns whether it existed. Raises LocalAWSError."""
        if not self._sql(_FIND_DATABASE, name=database):
            return False
        self._sql('DROP DATABASE :"name" WITH (FORCE)', name=database)
        return True

    def prepare(self) -> None:
        """Makes the role of the stages' databases unless it exists; raises LocalAWSError until the server is ready."""
        if not self._sql("SELECT 1 FROM pg_roles WHERE rolname = :'role'", role=ROLE):
            self._sql(_CREATE_ROLE, role=ROLE)

    def to_json(self) -> dict[str, Any]:
        """What `Server(**...)` takes, the password included."""
        return asdict(self)

    def _sql(self, statement: str, **values: str) -> str:
        """The output of a statement that the administrator runs; psql quotes the values."""
        options = [part for name, value in values.items() for part in ("-v", f"{name}={value}")]
        done = subprocess.run(  # noqa: S603 - a program that `programs.find` found
            [self.program("psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", *options, "-w", "-d", "postgres"],
            input=statement,
            capture_output=True,
            text=True,
            check=False,
            env={**clean_environment(), **self._access()},
        )
        if done.returncode:
            raise LocalAWSError(f"PostgreSQL at {self.host} refused a statement: {done.stderr.strip()}")
        return done.stdout.strip()

    def _access(self) -> dict[str, str]:
        return {
            "PGHOST": HOST,
            "PGPORT": str(self.port),
            "PGUSER": _ADMINISTRATOR,
            "PGPASSWORD": self.password,
            "PGCONNECT_TIMEOUT": "5",
        }


def clean_environment() -> dict[str, str]:
    """The environment of PostgreSQL's programs: without the settings of the user's shell, and with English errors."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
