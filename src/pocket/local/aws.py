"""The local AWS for the rest of Pocket: its addresses, its credentials and its operations."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TextIO
from urllib.parse import urlsplit

from pocket import naming
from pocket.errors import LocalAWSError
from pocket.local import process
from pocket.local.folder import StateFolder
from pocket.local.postgresql import cluster
from pocket.local.postgresql.server import Server

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pocket.local.postgresql.cluster import Started

TOKEN_HEADER = "X-Pocket-Token"  # noqa: S105 — the header's name
STOP_SECONDS = 15.0

ACCOUNT = "000000000000"
"""The emulator's account, the same as in `launcher.server`."""

UNSAVED = 3
"""The emulator's exit status if it could not save its state."""


@dataclass(frozen=True)
class LocalAWS:
    """A running emulator; as a context manager, it is stopped at the end."""

    endpoint_url: str
    """Of every AWS API, for boto3's `endpoint_url`."""
    access_key_id: str
    secret_access_key: str = field(repr=False)
    """Of the account's root user; each start makes a new pair."""
    addresses: Mapping[str, str]
    """Site to `http://localhost:PORT`."""
    state_dir: Path
    log: Path
    pid: int
    database_url: str | None = field(default=None, repr=False)
    """Of the database given to `start`, for every stage that is deployed while the emulator runs."""
    postgresql: Server | None = None
    """The server of the stages' databases, if `start` was asked for one."""
    _token: str = field(default="", repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)
    _postgresql: Started | None = field(default=None, repr=False, compare=False)

    def route(self, sites: Mapping[str, str]) -> None:
        """Serve each site's address from an HTTP API, a REST API or a function URL, named by its id.

        The routes are kept over restarts. Raises LocalAWSError for a site that `start` did not get, and for an id that
        does not exist.
        """
        call(self.endpoint_url, self._token, "route", dict(sites))

    def serve(
        self,
        project: Path,
        region: str,
        functions: Collection[str],
        *,
        first: Collection[str],
        files: Mapping[str, Path | None],
        changed: Sequence[str],
    ) -> dict[str, Any] | None:
        """From now on, run the live versions of `functions` with saved `files` in place of those of their packages.

        `files` are what is to be read by its path in the package, None for a removed one, and `changed` the paths that
        changed since the last call. Nothing of it lasts longer than the emulator. Environments end only once new ones
        of the functions `first` have started, and events wait for these. Returns the error, as Lambda describes it, of
        one that does not start; then all is as before.
        """
        wanted = {
            "project": str(project),
            "functions": [*functions],
            "first": [f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}:{naming.ALIAS}" for name in first],
            "files": {name: source and str(source) for name, source in files.items()},
            "changed": [*changed],
        }
        found: dict[str, Any] | None = call(self.endpoint_url, self._token, "serve", wanted, seconds=60).get("failed")
        return found

    def mails(self) -> list[dict[str, Any]]:
        """Every mail that was sent, oldest first, as MiniStack keeps it; `Raw` is the message in base64."""
        found: list[dict[str, Any]] = call(self.endpoint_url, self._token, "mails")["mails"]
        return found

    def save(self) -> None:
        """Write the state to the disk now; otherwise that happens when the emulator is stopped."""
        call(self.endpoint_url, self._token, "save", seconds=60)

    def stop(self) -> None:
        """Save the state and end the emulator with its functions; does nothing if it has ended already.

        Raises LocalAWSError where the state could not be saved.
        """
        folder = StateFolder(self.state_dir)
        if self._process is not None:
            status = process.end(self._process)
            if self._postgresql is not None:
                self._postgresql.stop()
            folder.clean()
            if status == UNSAVED:
                raise LocalAWSError(
                    "The state of the local AWS could not be saved; the next start begins with what was saved before.",
                    f"See its log: {self.log}",
                )
        elif folder.is_taken():
            with contextlib.suppress(LocalAWSError):
                call(self.endpoint_url, self._token, "stop")
            deadline = time.monotonic() + STOP_SECONDS
            while folder.is_taken():
                if time.monotonic() > deadline:
                    raise LocalAWSError(f"The local AWS (process {self.pid}) did not end.", f"See its log: {self.log}")
                time.sleep(0.02)

    def wait(self) -> None:
        """Block until the emulator ends; raises LocalAWSError if it fails."""
        folder = StateFolder(self.state_dir)
        if self._process is None:
            folder.wait_until_free()
        elif status := self._process.wait():
            raise LocalAWSError(
                f"The local AWS ended by itself with status {status}. The end of its log:\n{folder.last_log_lines()}",
                f"The complete log: {self.log}",
            )

    @property
    def ended(self) -> bool:
        """Whether the emulator has ended."""
        return self._process is not None and self._process.poll() is not None

    @contextlib.contextmanager
    def activity(self) -> Iterator[TextIO]:
        """Requests to sites, and what functions write, from now on: lines of JSON from `launcher.activity`."""
        path = StateFolder(self.state_dir).activity
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)) as file:
            try:
                yield file
            finally:
                path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    project_dir: Path,
    sites: Sequence[str],
    *,
    port: int | None = None,
    database_url: str | None = None,
    postgresql: bool = False,
) -> LocalAWS:
    """Start the project's local AWS and return it when it answers; it ends with this process.

    Each of `sites`, names of handlers with an address, gets a port of its own, the same as the last time where it is
    free. `port` is the first site's, and the others follow it. `database_url` is kept while it runs. With `postgresql`
    a server for the stages' databases runs beside it. Raises LocalAWSError where one is running already, where `port`
    is in use, and where it does not start.
    """
    folder = StateFolder.of(project_dir)
    folder.create()
    with folder.take() as lock:
        started = cluster.start(folder, lock) if postgresql else None
        server = started.server.to_json() if started else None
        wanted = {"sites": list(sites), "port": port, "database_url": database_url, "postgresql": server}
        try:
            running_process, running = process.launch(folder, lock, wanted)
        except BaseException:
            if started:
                started.stop()
            raise
    local = _local_aws(folder, running, running_process, started)
    try:
        call(local.endpoint_url, running["token"], "health")
    except BaseException:
        local.stop()
        raise
    return local


def attach(project_dir: Path) -> LocalAWS:
    """The project's running local AWS; raises LocalAWSError if it is not running or does not answer."""
    folder = StateFolder.of(project_dir)
    running = folder.read_running() if folder.is_taken() else None
    if running is None:
        stale = folder.running.exists() and not folder.is_taken()
        left = " (the last one ended without cleaning up)" if stale else ""
        raise LocalAWSError(f"The local AWS of {project_dir} is not running{left}.", "Start it with `pocket local`.")
    call(running["endpoint_url"], running["token"], "health")
    return _local_aws(folder, running)


def clean(project_dir: Path) -> int:
    """Remove everything that the project's local AWS left; returns how many bytes that frees.

    Raises LocalAWSError if it is running.
    """
    folder = StateFolder.of(project_dir)
    return folder.empty() if folder.path.exists() else 0


def _local_aws(
    folder: StateFolder,
    running: dict[str, Any],
    running_process: subprocess.Popen[bytes] | None = None,
    started: Started | None = None,
) -> LocalAWS:
    return LocalAWS(
        endpoint_url=running["endpoint_url"],
        access_key_id=running["access_key_id"],
        secret_access_key=running["secret_access_key"],
        addresses=running["addresses"],
        state_dir=folder.path,
        log=folder.log,
        pid=running["pid"],
        database_url=running["database_url"],
        postgresql=Server(**running["postgresql"]) if running["postgresql"] else None,
        _token=running["token"],
        _process=running_process,
        _postgresql=started,
    )


def call(endpoint_url: str, token: str, operation: str, body: Any = None, *, seconds: float = 10.0) -> dict[str, Any]:
    """Runs `operation` on the control port of a running emulator, and returns its answer.

    Raises LocalAWSError if there is no answer, and for an error.
    """
    address = urlsplit(endpoint_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=seconds)
    try:
        payload = None if body is None else json.dumps(body)
        connection.request("POST", f"/_pocket/{operation}", payload, {TOKEN_HEADER: token})
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise LocalAWSError(
            f"The local AWS does not answer at {endpoint_url}: {error}", "Start it with `pocket local`."
        ) from error
    finally:
        connection.close()
    if response.status != 200:
        raise LocalAWSError(f"The local AWS refused {operation!r}: {_message(answer)}")
    found: dict[str, Any] = json.loads(answer)
    return found


def _message(answer: bytes) -> str:
    try:
        found = json.loads(answer)
        return str(found.get("error") or found.get("message") or found)
    except (ValueError, AttributeError):
        return answer[:200].decode("utf-8", "replace")
