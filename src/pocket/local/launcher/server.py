"""Starts MiniStack with our replacements behind the guarded control port and the sites' front ports.

The parent sends the settings as one line of JSON over standard input and gets one line of JSON back over standard
output: addresses and credentials, or an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
import secrets
import signal
import string
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.local.launcher import edge, environments, state
from pocket.local.launcher.activity import Activity
from pocket.local.launcher.emulator import module
from pocket.local.launcher.execution import Runtime
from pocket.local.launcher.front import FrontPort, find_targets
from pocket.local.launcher.guard import Guard
from pocket.local.launcher.lifetime import read_settings_line, when_parent_ends
from pocket.local.launcher.operations import Admin
from pocket.local.launcher.patches import (
    Incompatible,
    install,
    register_root,
    require_version,
    role_credentials,
)
from pocket.local.launcher.ports import (
    FIRST_SITE_PORT,
    SITE_PORTS,
    PortInUse,
    PortMemory,
    listen,
    listen_on_first,
    port_of,
)
from pocket.local.launcher.saved_files import SavedFiles
from pocket.local.launcher.unpacked import Packages, remove_tree

if TYPE_CHECKING:
    import socket

    from pocket.local.launcher.asgi_helpers import Application, Receive, Scope, Send

ACCOUNT = "000000000000"
STOP_SECONDS = 5.0
"""How long a stop may take before the process is ended."""

UNSAVED = 3
"""The exit status if the state could not be saved, the same as in `pocket.local.aws`."""

log = logging.getLogger("pocket.local")


class Launcher:
    """One run of the emulator, from its settings to its end."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.folder = Path(settings["folder"])
        self.packages = Path(settings["packages"])
        self.python = Path(settings["python"])
        self.python_version: str = settings["python_version"]
        self.database_url: str | None = settings["database_url"]
        self.postgresql: dict[str, Any] | None = settings["postgresql"]
        self.token: str = secrets.token_urlsafe(32)
        alphabet = string.ascii_uppercase + "234567"
        self.access_key_id = "AKIA" + "".join(secrets.choice(alphabet) for _ in range(16))
        self.secret_access_key: str = secrets.token_urlsafe(30)
        self.memory = PortMemory(self.folder / "ports.json")
        self.listeners = listeners(self.memory, settings["sites"], settings["port"])
        self.stopping = asyncio.Event()
        self.status = 0

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def running_file(self) -> Path:
        return self.folder / "running.json"

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.memory.control}"

    def announce(self, sites: dict[str, FrontPort]) -> None:
        """Write the addresses and credentials to the state file, and to the waiting parent."""
        running = {
            "pid": os.getpid(),
            "endpoint_url": self.endpoint_url,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            "token": self.token,
            "addresses": {name: site.address for name, site in sites.items()},
            "database_url": self.database_url,
            "postgresql": self.postgresql,
        }
        temporary = self.running_file.with_suffix(".new")
        temporary.write_text(json.dumps(running))
        temporary.replace(self.running_file)
        report(running)

    def set_environment(self) -> None:
        """MiniStack reads its settings when it is imported."""
        data = self.folder / "data"
        os.environ.update(
            AUTH="true",
            BIND_HOST="127.0.0.1",
            GATEWAY_PORT=str(self.memory.control),
            MINISTACK_ACCOUNT_ID=ACCOUNT,
            LAMBDA_EXECUTOR="local",
            LOG_LEVEL="WARNING",
            PERSIST_STATE="1",
            STATE_DIR=str(data / "state"),
            S3_PERSIST="1",
            S3_DATA_DIR=str(data / "s3"),
            SFTP_ENABLED="0",
            IOT_MTLS_ENABLED="0",
            # MiniStack removes containers of other instances when it starts; without a daemon it cannot.
            DOCKER_HOST=f"unix://{data / 'no-docker'}",
        )

    def clean_up(self) -> None:
        """End the functions and remove what only this run needed."""
        with contextlib.suppress(ImportError):
            environments.end_all()
        remove_tree(self.temporary)
        self.running_file.unlink(missing_ok=True)


def listeners(memory: PortMemory, sites: list[str], port: int | None) -> dict[str, socket.socket]:
    """A listening socket for each site, and for the control port under the empty name; `memory` is updated.

    The first site takes `port`, which must be free, and the others the ports after it.
    """
    taken = {"": listen_on_first([memory.control] if memory.control else [])}
    memory.control = port_of(taken[""])
    first = port or FIRST_SITE_PORT
    if port and sites:
        taken[sites[0]] = listen(port)
    # Sites with a remembered port choose before those that accept any port.
    for name in sorted(sites, key=lambda name: not memory.site_port(name)):
        if name not in taken:
            wanted = [memory.site_port(name)] if memory.site_port(name) and not port else []
            taken[name] = listen_on_first([*wanted, *range(first, first + SITE_PORTS)])
    for name in sites:
        memory.sites[name] = {**memory.sites.get(name, {}), "port": port_of(taken[name])}
    memory.save()
    return taken


def report(line: dict[str, Any]) -> None:
    """Send the report to the parent, and close its pipe."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def role_key(file: Path) -> bytes:
    """The secret for roles' temporary credentials; the same at every start."""
    if not file.exists():
        file.write_text(secrets.token_hex(32))
    return bytes.fromhex(file.read_text())


def save_state() -> None:
    """Write the state after a deploy, and end workers that it left behind. Raises Unsaved."""
    environments.end_idle(left_seconds=0)
    state.save()


def prepare(launcher: Launcher) -> tuple[Application, dict[int, Application], dict[str, FrontPort]]:
    """MiniStack with the replacements in it, the application of each port, and the sites."""
    launcher.set_environment()
    require_version()
    activity = Activity(launcher.folder / "activity.jsonl")
    unpacked, temporary = launcher.packages / "unpacked", launcher.packages / "tmp"
    files = SavedFiles(Packages(unpacked, temporary), temporary, environments.is_live)
    runtime = Runtime(
        python=launcher.python,
        version=launcher.python_version,
        folder=launcher.temporary,
        endpoint_url=launcher.endpoint_url,
        packages=files,
        credentials=role_credentials(role_key(launcher.folder / "roles.key")),
        activity=activity,
    )
    install(runtime)
    emulator = module("app").app
    sites = {
        name: FrontPort(name, port_of(listener), emulator, find_targets)
        for name, listener in launcher.listeners.items()
        if name
    }
    admin = Admin(
        sites,
        launcher.memory,
        files,
        exists=lambda identity: bool(edge.find(identity) or find_targets(identity)),
        save=save_state,
        stop=launcher.stopping.set,
    )

    async def control(scope: Scope, receive: Receive, send: Send) -> None:
        await (admin if scope["path"].startswith("/_pocket/") else emulator)(scope, receive, send)

    guard = Guard(control, launcher.memory.control, launcher.token, is_bucket)
    ports: dict[int, Application] = {launcher.memory.control: guard}
    ports.update((site.port, activity.showing(site)) for site in sites.values())
    for name, site in sites.items():
        site.identity = launcher.memory.route(name)
    return emulator, ports, sites


def is_bucket(name: str) -> bool:
    return module("services.s3")._bucket_owner_account(name) is not None


async def serve(launcher: Launcher) -> None:
    """Serve until `stop` is called."""
    emulator, ports, sites = prepare(launcher)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(signum, launcher.stopping.set)
    when_parent_ends(sys.stdin.fileno(), lambda: _set_soon(loop, launcher.stopping))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await emulator(scope, receive, send)
        elif scope["type"] == "http":
            await ports[scope["server"][1]](scope, receive, send)

    async def stopped() -> None:
        register_root(launcher.access_key_id, launcher.secret_access_key, ACCOUNT)
        launcher.announce(sites)
        await launcher.stopping.wait()
        threading.Thread(target=end_late, args=(launcher,), daemon=True).start()
        save_at_the_end(launcher)

    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{listener.detach()}" for listener in launcher.listeners.values()]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.include_server_header = False
    config.include_date_header = False
    await importlib.import_module("hypercorn.asyncio").serve(application, config, shutdown_trigger=stopped)


def save_at_the_end(launcher: Launcher) -> None:
    """Write the state; where that fails, the log and the exit status show it."""
    try:
        state.save()
    except state.Unsaved as unsaved:
        log.error("%s", unsaved)
        launcher.status = UNSAVED


def _set_soon(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    # The loop may have ended already.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(event.set)


def end_late(launcher: Launcher) -> None:
    """End the process if something does not finish within `STOP_SECONDS`."""
    if not threading.Event().wait(STOP_SECONDS):
        log.warning("the emulator did not stop within %s s and is ended", STOP_SECONDS)
        launcher.clean_up()
        os._exit(1)


def main() -> None:
    """Run the emulator; the exit status is 0 if it started and ended in order."""
    os.umask(0o077)
    settings = json.loads(read_settings_line(sys.stdin.fileno()))
    try:
        launcher = Launcher(settings)
    except PortInUse as error:
        report({"error": "port", "port": error.port})
        raise SystemExit(1) from None
    remove_tree(launcher.temporary)
    launcher.temporary.mkdir()
    status = 0
    try:
        asyncio.run(serve(launcher))
    except Incompatible as error:
        report({"error": "incompatible", "message": str(error)})
        status = 1
    except Exception:
        log.exception("the emulator failed")
        status = 1
    launcher.clean_up()
    # Threads of MiniStack may still be waiting.
    os._exit(status or launcher.status)
