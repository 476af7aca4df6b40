"""Runs a server and ends it with the process that started this one; a script of its own, with no imports of Pocket.

Its arguments are the user's and the group's id, or two hyphens, and the server's command. The parent keeps this
process's standard input open while it runs. The kernel closes it however the parent ends.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

STOP_SECONDS = 8.0


def run(user: str, group: str, command: list[str]) -> int:
    """The exit status of the server."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    server = subprocess.Popen(  # noqa: S603 - the command is Pocket's own
        command,
        stdin=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        umask=0o077,
        user=int(user) if user != "-" else None,
        group=int(group) if group != "-" else None,
        extra_groups=[] if user != "-" else None,
    )
    try:
        while server.poll() is None:
            readable, _, _ = select.select([sys.stdin.fileno()], [], [], 0.5)
            if readable and not os.read(sys.stdin.fileno(), 1024):
                break
    finally:
        _stop(server)
    return server.wait()


def _stop(server: subprocess.Popen[bytes]) -> None:
    """PostgreSQL's fast shutdown, then its immediate one."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is not None:
            return
        server.send_signal(number)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def _end(signum: int, frame: object) -> None:
    sys.exit(128 + signum)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2], sys.argv[3:]))
