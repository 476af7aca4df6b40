"""Progress on standard error: live on a terminal, plain lines elsewhere.

Texts are printed without interpreting markup, so a package name in brackets remains.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.status import Status

    from pocket.deploy.reporting import PlanRow, Reporter

SIGNS = {"add": "+", "change": "~", "replace": "!", "remove": "-"}
NOT_A_TERMINAL = "Not a terminal, so Pocket cannot ask."
CONFIRM = "Pass --yes to confirm."
STYLES = {"add": "green", "change": "yellow", "replace": "red", "remove": "red"}


def reporter(*, assume_yes: bool = False) -> Reporter:
    """The reporter for standard error: live if it is a terminal."""
    return TerminalReporter(assume_yes) if sys.stderr.isatty() else PlainReporter(assume_yes)


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
