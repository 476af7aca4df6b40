"""Capturing what a management command writes, its child processes' standard output included.

Lines go on to the log as they come: a command that Lambda cuts off at its timeout has left its trace.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 1_000_000
"""Characters kept of each stream, the last ones; Lambda's answers end at six megabytes."""


class Captured:
    """What was written so far."""

    def __init__(self, out: _Tee, err: _Tee) -> None:
        self._out = out
        self._err = err

    def texts(self) -> tuple[str, str]:
        """Standard output and standard error; a longer text is cut at its front, and says so."""
        return self._out.text(), self._err.text()


class _Tee(io.TextIOBase):
    """Appends to a file that child processes may append to as well, and repeats all of it in the log."""

    encoding = "utf-8"

    def __init__(self, file: int, log: TextIO) -> None:
        super().__init__()
        self._file = file
        self._log = log
        self._seen = 0

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._file

    def write(self, text: str) -> int:
        self.follow()
        data = text.encode("utf-8", "replace")
        os.write(self._file, data)
        self._seen += len(data)
        self._log.write(text)
        return len(text)

    def follow(self) -> None:
        """Repeats in the log what child processes wrote since the last write of our own."""
        size = os.fstat(self._file).st_size
        if size > self._seen:
            self._log.write(os.pread(self._file, size - self._seen, self._seen).decode("utf-8", "replace"))
            self._log.flush()
            self._seen = size

    def flush(self) -> None:
        self.follow()
        self._log.flush()

    def text(self) -> str:
        size = os.fstat(self._file).st_size
        text = os.pread(self._file, 4 * LIMIT, max(0, size - 4 * LIMIT)).decode("utf-8", "replace")
        if size <= LIMIT or len(text) <= LIMIT:
            return text
        return f"[{size - len(text[-LIMIT:].encode()):,} bytes before this are only in the log]\n{text[-LIMIT:]}"


@contextmanager
def captured() -> Iterator[Captured]:
    """Captures standard output, with that of child processes, and this process's standard error; input is empty.

    Standard error of child processes, and of log handlers made before, goes to the log alone. Descriptor 1 is diverted
    as a whole: on the local AWS the runtime speaks to the emulator through it.
    """
    log = sys.stderr
    streams = sys.stdin, sys.stdout, sys.stderr
    sys.stdout.flush()
    with (
        tempfile.TemporaryFile(buffering=0) as out,
        tempfile.TemporaryFile(buffering=0) as err,
        open(os.devnull, encoding="utf-8") as nothing,  # noqa: PTH123
    ):
        os.set_blocking(out.fileno(), True)
        tees = _Tee(_appending(out.fileno()), log), _Tee(_appending(err.fileno()), log)
        saved = [os.dup(0), os.dup(1)]
        try:
            os.dup2(nothing.fileno(), 0)
            os.dup2(out.fileno(), 1)
            sys.stdin, sys.stdout, sys.stderr = nothing, tees[0], tees[1]
            yield Captured(*tees)
        finally:
            for tee in tees:
                tee.flush()
            sys.stdin, sys.stdout, sys.stderr = streams
            for number, copy in enumerate(saved):
                os.dup2(copy, number)
                os.close(copy)


def _appending(file: int) -> int:
    """Makes every write go to the file's end: parent and children share the file, and must not overwrite each other."""
    import fcntl

    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file
