"""Capturing what a management command writes, its child processes' standard output included.

Lines go on to the log as they come: a command that Lambda cuts off at its timeout has left its trace.
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
"""Characters kept of each stream, the last ones; Lambda's answers end at six megabytes."""


class Captured:
    """What was written so far."""

    def __init__(self, out: _Tee, err: _Tee) -> None:
        self._out = out
        self._err = err

    def texts(self) -> tuple[str, str]:
        """Standard output and standard error; a longer text is cut at its front, and says so."""
        _flush(sys.stdout, sys.stderr)
        return self._out.text(), self._err.text()

    def complain(self, text: str) -> None:
        """Adds to the standard error, whatever the command made of `sys.stderr`."""
        self._err.write(text.encode("utf-8", "backslashreplace"))


class _Tee(io.RawIOBase):
    """Appends to a file that child processes may append to as well, and repeats all of it in the log.

    Once it has ended, what a thread or a log handler of the command still writes goes to the log alone.
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
        """Repeats in the log what child processes wrote since the last write of our own."""
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
    """A `buffer` for a stream, as `python -u` would have it: what was written is out, however the process ends."""

    def write(self, data: Buffer, /) -> int:
        count = super().write(data)
        self.flush()
        return count


def _stream(tee: _Tee, errors: str) -> io.TextIOWrapper:
    """What stands for `sys.stdout` or `sys.stderr`: with `buffer`, `reconfigure`, `detach` and all, as in a shell."""
    return io.TextIOWrapper(_Unbuffered(tee), encoding="utf-8", errors=errors, newline="\n", write_through=True)


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
    """Flushes what the command may have put in the place of the streams, or closed."""
    for stream in streams:
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()  # type: ignore[attr-defined]  # it may be anything


def _appending(file: int) -> int:
    """Makes every write go to the file's end: parent and children share the file, and must not overwrite each other."""
    import fcntl

    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file
