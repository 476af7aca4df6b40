"""The cluster of a project's rehearsals: made once, started with the local AWS, ended with it, its data kept.

It is in the state folder. PostgreSQL refuses to run as root: for root, it runs as another user and is below /var/tmp,
since that user could not reach a state folder in root's home.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pocket import isolation
from pocket.errors import LocalAWSError
from pocket.local.postgresql import programs
from pocket.local.postgresql.server import HOST, ROLE, Server, clean_environment

if TYPE_CHECKING:
    from pocket.local.folder import StateFolder

SUPERVISOR = Path(__file__).with_name("supervisor.py")
_PROJECT = "project"
"""A link in a folder below /var/tmp to the state folder that it belongs to."""

READY_SECONDS = 120.0
STOP_SECONDS = 20.0

_WITH_BUILTIN_LOCALE = 17
"""The first PostgreSQL that has the locale C.UTF-8 built in, the same on every system."""


@dataclass(frozen=True)
class Started:
    """A server that this process started."""

    server: Server
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ends the server and waits for its end; does nothing if it has ended already."""
        if self.process.stdin and not self.process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(folder: StateFolder, lock: IO[bytes]) -> Started:
    """The project's server, made at the first start, when it answers. The process holds `lock` until it has ended.

    Raises LocalAWSError where it cannot be installed, made or started.
    """
    user = _other_user() if os.getuid() == 0 else None
    home = home_of(folder.path)
    _make_home(home, folder.path, user)
    if home.parent != folder.path:
        _remove_orphans(home)
    found = programs.find(home)
    version = programs.version(found)
    cluster = _Cluster(home / "cluster", found, user, version)
    cluster.end_leftover()
    if home.parent != folder.path:
        _forget_removed(folder.path, home)
        _make_home(home, folder.path, user)
    # Beside the data, not in the state folder: for root, that may be removed without the data.
    access = home / "access.json"
    is_lost = cluster.data.exists() and not access.exists()
    facts = _facts(access)
    cluster.make(facts["password"])
    if is_lost:
        cluster.set_password(facts["password"])
    server = Server(facts["port"], version, str(found), facts["password"])
    log = folder.path / "postgresql.log"
    process = cluster.run(server, log, lock)
    try:
        _wait(server, process, log)
    except BaseException:
        Started(server, process).stop()
        raise
    return Started(server, process)


def home_of(state: Path) -> Path:
    """The folder of the server for the state folder `state`; it may not exist yet."""
    if os.getuid() != 0:
        return state / "postgresql"
    own = isolation.lasting_folder(state)
    return own.parent.with_name(f"{own.parent.name}-postgresql-{own.name}")


class _Cluster:
    """The data of a server in `folder`, which belongs to `user` (None: this one)."""

    def __init__(self, folder: Path, found: Path, user: pwd.struct_passwd | None, version: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.programs = found
        self.user = user
        self.major = int(version.partition(".")[0])

    def make(self, password: str) -> None:
        """Makes the data unless they exist; what an interrupted start left is made again."""
        if self.data.exists():
            made = (self.data / "PG_VERSION").read_text().strip()
            if made != str(self.major):
                raise LocalAWSError(
                    f"The rehearsals' database {self.data} was made by PostgreSQL {made}, and this is {self.major}.",
                    "Remove it with `pocket local --clean`, which also removes the other files of rehearsals.",
                )
            return
        new = self.folder / "new"
        shutil.rmtree(new, ignore_errors=True)
        given = self.folder / "password"
        self._hand_over(given, password)
        locale = ["--locale=C"]
        if self.major >= _WITH_BUILTIN_LOCALE:
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options = ["-U", "postgres", "-A", "scram-sha-256", f"--pwfile={given}", "-E", "UTF8", *locale]
        try:
            self._program("initdb", "-D", str(new), *options)
            # With the data on the disk, so that an interrupted start leaves no half of it under this name.
            new.rename(self.data)
        finally:
            given.unlink(missing_ok=True)

    def set_password(self, password: str) -> None:
        """Gives the roles another password, by PostgreSQL's single-user mode, which asks for none."""
        roles = ("postgres", ROLE)
        statements = "".join(f"ALTER ROLE {role} PASSWORD '{password}'\n" for role in roles)
        self._program("postgres", "--single", "-D", str(self.data), "postgres", text=statements)

    def end_leftover(self) -> None:
        """Ends a server that outlived the process that watched over it."""
        if (self.data / "postmaster.pid").exists():
            with contextlib.suppress(LocalAWSError):
                self._program("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "10", "stop")

    def run(self, server: Server, log: Path, lock: IO[bytes]) -> subprocess.Popen[bytes]:
        """The process that runs the server."""
        identity = (str(self.user.pw_uid), str(self.user.pw_gid)) if self.user else ("-", "-")
        settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "timezone": "UTC",
            # An interrupted laptop loses the last moment's data at most, and no database.
            "synchronous_commit": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [server.program("postgres"), "-D", str(self.data), "-p", str(server.port), *options]
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and script
                [sys.executable, "-I", str(SUPERVISOR), *identity, *command],
                env=clean_environment(),
                stdin=subprocess.PIPE,
                stdout=descriptor,
                stderr=descriptor,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
        finally:
            os.close(descriptor)

    def _program(self, name: str, *arguments: str, text: str = "") -> None:
        user = self.user
        try:
            done = subprocess.run(  # noqa: S603 - a program that `programs.find` found
                [str(self.programs / name), *arguments],
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                env=clean_environment(),
                input=text,
                capture_output=True,
                text=True,
                cwd="/",
                check=False,
            )
        except OSError as error:
            raise LocalAWSError(f"{name} cannot be run: {error.strerror}.") from error
        if done.returncode:
            raise LocalAWSError(f"{name} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")

    def _hand_over(self, path: Path, text: str) -> None:
        """Writes a file that only the server's user can read."""
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            if self.user:
                os.fchown(descriptor, self.user.pw_uid, self.user.pw_gid)
            file.write(text)


def _forget_removed(state: Path, home: Path) -> None:
    """Removes the data below `home` if the state folder was removed since they were made; notes them there."""
    link = state / "postgresql"
    if not link.is_symlink():
        shutil.rmtree(home / "cluster", ignore_errors=True)
        (home / "access.json").unlink(missing_ok=True)
        link.symlink_to(home)


def _remove_orphans(home: Path) -> None:
    """Removes the folders beside `home` whose projects no longer exist."""
    for mark in home.parent.glob(f"{home.name.rpartition('-')[0]}-*/{_PROJECT}"):
        if mark.is_symlink() and not mark.exists():
            shutil.rmtree(mark.parent, ignore_errors=True)


def _make_home(home: Path, state: Path, user: pwd.struct_passwd | None) -> None:
    cluster = home / "cluster"
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        facts = home.lstat()
        if facts.st_uid != os.getuid() or home.is_symlink():
            raise LocalAWSError(f"{home} belongs to another user.", "Remove it, or set TMPDIR to another folder.")
        cluster.mkdir(mode=0o700, exist_ok=True)
        if user is not None:
            # The server's user passes through the folder, and has its data in it.
            home.chmod(0o711)
            os.chown(cluster, user.pw_uid, user.pw_gid)
            with contextlib.suppress(FileExistsError):
                (home / _PROJECT).symlink_to(state)
    except OSError as error:
        raise LocalAWSError(f"{error.filename} cannot be made: {error.strerror}.", "Make it writable.") from error


def _facts(path: Path) -> dict[str, Any]:
    """The password and the port, both the same at every start, the port if it is free."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        found = {"password": secrets.token_hex(24), "port": 0}
    if not _is_free(found["port"]):
        found["port"] = _free_port()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(found, file)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return port != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            server.prepare()
        except LocalAWSError as error:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.03)
                continue
            last = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
            raise LocalAWSError(
                f"PostgreSQL did not start: {error.message}\nThe end of its log:\n{last}", f"The complete log: {log}"
            ) from error
        return


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LocalAWSError(
        "PostgreSQL refuses to run as root, and this system has neither a user postgres nor a user nobody.",
        "Run pocket local as another user, or set POCKET_LOCAL_DATABASE_URL to a database that exists.",
    )
