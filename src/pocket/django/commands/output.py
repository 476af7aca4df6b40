"""Captures a management command's output, with the standard output of its child processes.

Lines are also written to the log at once, so that the output of a command that Lambda ends at its timeout is not lost.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

LIMIT = 1_000_000
"""The number of last characters kept of each stream; Lambda's responses have at most six megabytes."""


class Captured:
    """The output so far."""

    def __init__(self, out: _Tee, err: _Tee) -> None:
        self._out = out
        self._err = err

    def texts(self) -> tuple[str, str]:
        """Standard output and standard error; a longer text loses its beginning, with a note."""
        _flush(sys.stdout, sys.stderr)
        return self._out.text(), self._err.text()

    def add_error(self, text: str) -> None:
        """Adds text to the standard error, even if the command has replaced `sys.stderr`."""
        self._err.write(text.encode("utf-8", "backslashreplace"))


class _Tee(io.RawIOBase):
    """Appends to a file, to which child processes may append, too, and copies everything to the log.

    After its end, further output of the command's threads and log handlers goes only to the log.
    """

    def __init__(self, file: int, log: TextIO) -> None:
        super().__init__()
        self._file = file
        self._log = log
        self._seen = 0
        self._ended = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        if self._ended:
            raise io.UnsupportedOperation("The command has ended, and its output with it.")
        return self._file

    def write(self, data: Buffer) -> int:
        given = bytes(data)
        if not self._ended:
            self.follow()
            for start in range(0, len(given), LIMIT):
                os.write(self._file, given[start : start + LIMIT])
            self._seen += len(given)
        self._log.write(self._decoder.decode(given))
        return len(given)

    def follow(self) -> None:
        """Copies to the log what child processes wrote since the last own write."""
        size = os.fstat(self._file).st_size
        if size > self._seen:
            self._log.write(self._decoder.decode(os.pread(self._file, size - self._seen, self._seen)))
            self._log.flush()
            self._seen = size

    def flush(self) -> None:
        if not self._ended:
            self.follow()
        self._log.flush()

    def end(self) -> None:
        self.flush()
        self._ended = True

    def text(self) -> str:
        size = os.fstat(self._file).st_size
        text = os.pread(self._file, 4 * LIMIT, max(0, size - 4 * LIMIT)).decode("utf-8", "replace")
        if size <= LIMIT or len(text) <= LIMIT:
            return text
        return f"[{size - len(text[-LIMIT:].encode()):,} bytes before this are only in the log]\n{text[-LIMIT:]}"


class _Unbuffered(io.BufferedWriter):
    """A stream's `buffer` as under `python -u`: everything is written at once, however the process ends."""

    def write(self, data: Buffer, /) -> int:
        count = super().write(data)
        self.flush()
        return count


def _stream(tee: _Tee, errors: str) -> io.TextIOWrapper:
    """A replacement for `sys.stdout` or `sys.stderr`, with `buffer`, `reconfigure` and `detach` as in a shell."""
    return io.TextIOWrapper(_Unbuffered(tee), encoding="utf-8", errors=errors, newline="\n", write_through=True)


@contextmanager
def captured() -> Iterator[Captured]:
    """Captures standard output, with that of child processes, and this process's standard error; input is empty.

    Standard error of child processes, and of log handlers created before, goes only to the log. Descriptor 1 is
    redirected as a whole: on the local AWS, the runtime sends its responses through it.
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
            sys.stdin = nothing
            sys.stdout, sys.stderr = _stream(tees[0], "replace"), _stream(tees[1], "backslashreplace")
            yield Captured(*tees)
        finally:
            _flush(sys.stdout, sys.stderr)
            for tee in tees:
                tee.end()
            sys.stdin, sys.stdout, sys.stderr = streams
            for number, copy in enumerate(saved):
                os.dup2(copy, number)
                os.close(copy)


def _flush(*streams: object) -> None:
    """Flushes the streams, which the command may have replaced or closed."""
    for stream in streams:
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()  # type: ignore[attr-defined]  # it may be anything


def _appending(file: int) -> int:
    """Makes every write append: parent and children share the file, and must not overwrite each other."""
    import fcntl

    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file
