"""A private PostgreSQL cluster for tests, on a free port of loopback, gone when the tests are."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Postgres:
    """A running server: superuser `postgres`, no password, database `postgres`."""

    port: int
    binaries: Path

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"


def binaries() -> Path:
    """The folder of initdb and pg_ctl; raises RuntimeError, saying what to install, where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise RuntimeError("PostgreSQL's initdb and pg_ctl are missing: run `make postgres`, or install `postgresql`.")


@contextmanager
def running() -> Iterator[Postgres]:
    """Starts a cluster, as another user where these tests run as root, which PostgreSQL refuses."""
    folder = binaries()
    with tempfile.TemporaryDirectory(prefix="pocket-postgres-") as name:
        directory = Path(name)
        user = _other_user() if os.getuid() == 0 else None
        if user is not None:
            os.chown(directory, user.pw_uid, user.pw_gid)
        port = _free_port()
        data = directory / "data"
        log = directory / "log"
        _run(user, folder / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=300"
        )
        start = ("-D", data, "-l", log, "-w", "-t", "30", "-o", options, "start")
        _run(user, folder / "pg_ctl", *start, inherit=False)
        try:
            yield Postgres(port, folder)
        finally:
            _run(user, folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _run(user: pwd.struct_passwd | None, program: Path, *arguments: object, inherit: bool = True) -> None:
    """`inherit` is off for what leaves a server behind: it would hold the pipe of the output open."""
    output = subprocess.PIPE if inherit else subprocess.DEVNULL
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        stdout=output,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        cwd="/",
        check=False,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{program.name} ended with {done.returncode}: {done.stdout}")


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("These tests run as root, PostgreSQL does not, and there is no user postgres or nobody.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
