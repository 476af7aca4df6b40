"""Progress of what happens in the background."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pocket.cli.console import PlainReporter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.deploy.reporting import PlanRow


class Quiet(PlainReporter):
    """Shows warnings, and questions that `--yes` does not answer; not the steps."""

    @contextmanager
    def step(self, _name: str) -> Iterator[None]:
        yield

    def note(self, text: str) -> None:
        if text.startswith("Warning: "):
            super().note(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None: ...

    def plan(self, rows: Sequence[PlanRow]) -> None: ...

    def event(self, text: str) -> None: ...
