"""Listening sockets on the loopback interface, and the ports that they had the last time."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FIRST_SITE_PORT = 8001
SITE_PORTS = 99
BACKLOG = 256


class PortInUse(Exception):
    """The requested port is in use."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is in use")
        self.port = port


def listen(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1; port 0 lets the system choose. Raises PortInUse."""
    if port and _is_answered(port):
        raise PortInUse(port)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortInUse(port) from error
    listener.setblocking(False)
    return listener


def listen_on_first(ports: Iterable[int]) -> socket.socket:
    """A socket on the first of `ports` that is free, else on one that the system chooses."""
    for port in ports:
        try:
            return listen(port)
        except PortInUse:
            continue
    return listen(0)


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def _is_answered(port: int) -> bool:
    """Whether something accepts a connection; a listener on [::1] would get the browser's requests to `localhost`."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as client:
                client.settimeout(0.5)
                if client.connect_ex((host, port)) == 0:
                    return True
        except OSError:
            continue
    return False


class PortMemory:
    """The file that remembers the ports and routes of the sites from one start to the next."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.control = 0
        self.sites: dict[str, dict[str, Any]] = {}
        try:
            remembered = json.loads(file.read_text())
            self.control, self.sites = int(remembered["control"]), dict(remembered["sites"])
        except (OSError, ValueError, KeyError, TypeError):
            return

    def site_port(self, name: str) -> int:
        """The port that the site had, or 0."""
        return int(self.sites.get(name, {}).get("port", 0))

    def route(self, name: str) -> str | None:
        return self.sites.get(name, {}).get("route")

    def save(self) -> None:
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps({"control": self.control, "sites": self.sites}, indent=2))
        temporary.replace(self._file)
