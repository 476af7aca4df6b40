"""A running function process: its frames, its log, and its end with everything that it started."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from pocket.local.launcher.bootstrap import EVENT, FRAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class TimedOut(Exception):
    """The process did not answer in time."""


class Exited(Exception):
    """The process ended instead of answering; the message has the exit status or the signal."""


class Sandbox:
    """One process in a process group of its own; its output is appended to `log`."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> None:
        """Start `command` in `folder`, with the number of its end of the socket as one more argument."""
        self.log = bytearray()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._socket = ours
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 — our own interpreter and script
                [*command, str(theirs.fileno())],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                process_group=0,
                umask=0o022,
            )
        self._output = self.process.stdout.fileno() if self.process.stdout else -1
        os.set_blocking(self._output, False)

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def exchange(self, seconds: float, content: bytes | None = None, kind: bytes = EVENT) -> tuple[bytes, bytes]:
        """Send the content, if any, as a frame of `kind`; returns the kind and the payload of the answer.

        Raises TimedOut or Exited.
        """
        outgoing = memoryview(b"" if content is None else FRAME.pack(kind, len(content)) + content)
        received, deadline = bytearray(), time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            selector.register(self._socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if outgoing else 0))
            while not _is_whole(received):
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise TimedOut
                for key, events in ready:
                    if key.fileobj == self._output:
                        if not self.take_log():
                            selector.unregister(self._output)
                        continue
                    if events & selectors.EVENT_WRITE:
                        outgoing = self._send_some(outgoing)
                        if not outgoing:
                            selector.modify(self._socket, selectors.EVENT_READ)
                    if events & selectors.EVENT_READ:
                        self._receive_some(received)
        self.take_log()
        answered, length = FRAME.unpack(received[: FRAME.size])
        return answered, bytes(received[FRAME.size : FRAME.size + length])

    def take_log(self) -> bool:
        """Read what is in the pipe; returns whether more may come."""
        while True:
            try:
                part = os.read(self._output, 1 << 16)
            except BlockingIOError:
                return True
            if not part:
                return False
            self.log.extend(part)

    def kill(self) -> None:
        """Kill the process and its children, which stay in its group even after it has ended."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def end(self) -> None:
        """Kill, reap, read the rest of the log and close, only once."""
        self.kill()
        self.process.wait()
        self.take_log()
        self._socket.close()
        if self.process.stdout:
            self.process.stdout.close()

    def _send_some(self, outgoing: memoryview) -> memoryview:
        try:
            return outgoing[self._socket.send(outgoing) :]
        except OSError:
            raise self._exited() from None

    def _receive_some(self, received: bytearray) -> None:
        try:
            part = self._socket.recv(1 << 20)
        except OSError:
            part = b""
        if not part:
            raise self._exited()
        received.extend(part)

    def _exited(self) -> Exited:
        status = self.process.wait()
        how = f"exit status {status}" if status >= 0 else f"signal: {signal.Signals(-status).name}"
        return Exited(f"Runtime exited with error: {how}")


def _is_whole(received: bytearray) -> bool:
    if len(received) < FRAME.size:
        return False
    length: int = FRAME.unpack(received[: FRAME.size])[1]
    return len(received) >= FRAME.size + length
