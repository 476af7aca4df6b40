"""Progress on standard error: live on a terminal, plain lines elsewhere.

On a terminal, whose lines are gone with its window, the commands that change a stage also keep a log file. Texts are
printed without interpreting markup, so a package name in brackets remains.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pocket import work_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

    from rich.console import Console
    from rich.status import Status

    from pocket.deploy.reporting import PlanRow, Reporter

SIGNS = {"add": "+", "change": "~", "replace": "!", "remove": "-"}
NOT_A_TERMINAL = "Not a terminal, so Pocket cannot ask."
CONFIRM = "Pass --yes to confirm."
KEPT_LOGS = 20
STYLES = {"add": "green", "change": "yellow", "replace": "red", "remove": "red"}


def reporter(*, assume_yes: bool = False) -> Reporter:
    """The reporter for standard error: live if it is a terminal."""
    return TerminalReporter(assume_yes) if sys.stderr.isatty() else PlainReporter(assume_yes)


@contextmanager
def logged(directory: Path, name: str, *, assume_yes: bool = False) -> Iterator[Reporter]:
    """The reporter of a command that changes a stage; on a terminal, a file in `.pocket/logs` has all of it, too.

    `directory` is the project's, `name` begins the file's name. What ends the command is in the file as well.
    """
    shown = reporter(assume_yes=assume_yes)
    if not isinstance(shown, TerminalReporter):
        yield shown
        return
    folder = work_folder.make(directory, "logs")
    for old in sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)[: -KEPT_LOGS + 1]:
        old.unlink(missing_ok=True)
    path = folder / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        log = FileReporter(file)
        try:
            yield LoggingReporter(shown, log)
        except BaseException as error:
            log.note(f"{type(error).__name__}: {error}")
            raise
        finally:
            shown.note(f"The log is {path}.")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """One line per row, with columns of equal width, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _plan_rows(rows: Sequence[PlanRow]) -> list[tuple[str, ...]]:
    return [(SIGNS[row.action], row.action, row.name, row.kind, row.detail) for row in rows]


class PlainReporter:
    """Plain lines, for a file, a pipe or a CI log."""

    def __init__(self, assume_yes: bool) -> None:
        self.assume_yes = assume_yes

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        self._write(f"{name} ...")
        try:
            yield
        except BaseException:
            self._write(f"{name}: failed after {time.monotonic() - started:.1f} s")
            raise
        self._write(f"{name}: {time.monotonic() - started:.1f} s")

    def note(self, text: str) -> None:
        self._write(f"  {text}")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        for line in aligned([columns, *rows]):
            self._write(f"  {line}")

    def plan(self, rows: Sequence[PlanRow]) -> None:
        for line in aligned(_plan_rows(rows)) if rows else ():
            self._write(f"  {line}")

    def event(self, text: str) -> None:
        self._write(f"    {text}")

    def confirm(self, question: str, *, grave: bool = False) -> bool:
        if self.assume_yes and not grave:
            return True
        if not sys.stdin.isatty():
            self._write(f"{question} {NOT_A_TERMINAL}" + ("" if grave else f" {CONFIRM}"))
            return False
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def _write(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


class StandardOutput(PlainReporter):
    """Plain lines on standard output, for what a command is asked for."""

    def _write(self, text: str) -> None:
        sys.stdout.write(text + "\n")


class FileReporter(PlainReporter):
    """Plain lines in a file, each with its time in UTC."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(assume_yes=False)
        self._file = file

    def _write(self, text: str) -> None:
        time_of_day = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self._file.write("".join(f"{time_of_day} {line}\n" for line in text.split("\n")))
        self._file.flush()


class LoggingReporter:
    """Shows everything with one reporter, and writes it to a log with the answers to questions."""

    def __init__(self, shown: Reporter, log: PlainReporter) -> None:
        self._shown = shown
        self._log = log

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        with self._log.step(name), self._shown.step(name):
            yield

    def note(self, text: str) -> None:
        self._log.note(text)
        self._shown.note(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._log.table(columns, rows)
        self._shown.table(columns, rows)

    def plan(self, rows: Sequence[PlanRow]) -> None:
        self._log.plan(rows)
        self._shown.plan(rows)

    def event(self, text: str) -> None:
        self._log.event(text)
        self._shown.event(text)

    def confirm(self, question: str, *, grave: bool = False) -> bool:
        agreed = self._shown.confirm(question, grave=grave)
        self._log.note(f"{question} {'Yes' if agreed else 'No'}")
        return agreed


class TerminalReporter(PlainReporter):
    """A spinner during a step, colours and tables, for a terminal."""

    def __init__(self, assume_yes: bool) -> None:
        from rich.console import Console

        super().__init__(assume_yes)
        self._console: Console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._status: Status | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        outer, self._status = self._status, None
        if outer is not None:
            outer.stop()
        self._status = self._console.status(name)
        self._status.start()
        sign, style = "✗", "red"
        try:
            yield
            sign, style = "✓", "green"
        finally:
            self._status.stop()
            self._status = outer
            self._console.print(f"{sign} ", style=style, end="")
            self._console.print(f"{name} ", end="")
            self._console.print(f"{time.monotonic() - started:.1f} s", style="dim")
            if outer is not None:
                outer.start()

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=True, header_style="bold")
        for column in columns:
            table.add_column(Text(column))
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(table)

    def plan(self, rows: Sequence[PlanRow]) -> None:
        for row, line in zip(rows, aligned(_plan_rows(rows)) if rows else (), strict=True):
            self._console.print(f"  {line}", style=STYLES[row.action], soft_wrap=True)

    def event(self, text: str) -> None:
        self._console.print(f"    {text}", style="dim", soft_wrap=True)

    def confirm(self, question: str, *, grave: bool = False) -> bool:
        if self._status is not None:
            self._status.stop()
        try:
            return super().confirm(question, grave=grave)
        finally:
            if self._status is not None:
                self._status.start()

    def _write(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)
