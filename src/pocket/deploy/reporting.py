"""The interface through which a deploy reports to its user; the command implements it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

_SHOWN_LINES = 12
_WIDTH = 240


@dataclass(frozen=True)
class PlanRow:
    """One resource that a plan changes: `name` is its logical id, `kind` its type, `detail` why or what.

    An `early` one is made before the plan can be applied.
    """

    action: Literal["add", "change", "replace", "remove"]
    name: str
    kind: str
    detail: str = ""
    early: bool = False


class Noting(Protocol):
    """Receives notes."""

    def note(self, text: str) -> None:
        """Shows one fact: a size, a choice that was made, something left out."""
        ...


class Notes:
    """Notes that are shown later."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


class Reporter(Noting, Protocol):
    """Receives progress. Texts are plain, without markup, and never hold a secret."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """A context manager around one step that may take long; an exception means that the step failed."""
        ...

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Shows rows under column headings; each row has as many cells as `columns`."""
        ...

    def plan(self, rows: Sequence[PlanRow]) -> None:
        """Shows what is about to be added, changed, replaced and removed."""
        ...

    def event(self, text: str) -> None:
        """Shows an event of AWS as it arrives."""
        ...

    def confirm(self, question: str, *, grave: bool = False) -> bool:
        """True where the user agrees; False where they do not, or the reporter cannot ask.

        `--yes` does not answer a `grave` question.
        """
        ...


def last_lines(text: str, count: int = _SHOWN_LINES) -> str:
    """The last `count` lines of `text` that are not empty, cut to a readable width and indented by two spaces."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("Using CPython")]
    return "\n".join(f"  {textwrap.shorten(line, _WIDTH) if len(line) > _WIDTH else line}" for line in lines[-count:])
