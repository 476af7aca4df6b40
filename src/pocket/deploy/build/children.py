"""The child processes of a build that may take long: uv, and the project's own Python.

A deploy begins its build before it knows whether AWS, a lock or a gate refuses it. A build that is not wanted any more
ends its children, so that the error is shown at once and nothing goes on behind it. What they have started ends, too:
it would hold their output open, and the build would wait for it. Only what uv starts, which may ask at the terminal, is
waited for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING

from pocket.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Children:
    """The processes that run for one build, `running` by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.running: set[subprocess.Popen[str]] = set()
        self._ended = False

    def run(
        self, arguments: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, *, terminal: bool
    ) -> subprocess.CompletedProcess[str]:
        """Runs one to its end, in a session of its own unless it has to ask at the terminal.

        Raises BuildFailed after `end`.
        """
        with self._lock:
            if self._ended:
                raise BuildFailed("The build was ended.")
            child = subprocess.Popen(  # noqa: S603 - uv's or an interpreter's program, arguments as a list
                arguments,
                cwd=cwd,
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="backslashreplace",
                start_new_session=not terminal,
            )
            self.running.add(child)
        try:
            stdout, stderr = child.communicate()
        except BaseException:
            _send(child, signal.SIGKILL)
            raise
        finally:
            with self._lock, child:
                self.running.discard(child)
        return subprocess.CompletedProcess(child.args, child.returncode, stdout, stderr)

    def end(self) -> None:
        """Ends those that run, and lets none begin."""
        with self._lock:
            self._ended = True
            for child in self.running:
                _send(child, signal.SIGTERM)

    def adopt(self) -> None:
        """Takes what this thread runs from now on."""
        _of_thread.set(self)


def _send(child: subprocess.Popen[str], number: signal.Signals) -> None:
    """Sends the signal to a child that runs; in a session of its own, to all that it has started as well."""
    with contextlib.suppress(ProcessLookupError):
        if child.returncode is None and os.getpgid(child.pid) == child.pid:
            os.killpg(child.pid, number)
            return
    child.send_signal(number)


_of_thread: ContextVar[Children] = ContextVar("children")


def of_thread() -> Children:
    """Those that `adopt` named in this thread, or new ones."""
    return _of_thread.get(None) or Children()


def run(
    arguments: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    terminal: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Runs a child process of the build that this thread works for, and returns its output as text.

    `terminal` is for one that may have to ask for a password there.
    """
    return of_thread().run(arguments, cwd, env, terminal=terminal)
