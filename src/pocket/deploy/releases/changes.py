"""What a deploy changes, as data and in words: `pocket plan` and the question of `pocket deploy` show the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.deploy.reporting import PlanRow, Reporter


@dataclass(frozen=True)
class Changes:
    """The changes of one deploy; each text is a sentence. `domains` describes what is waited for, too.

    `losses` are to be confirmed by themselves. `migrations` and `files` are empty in a deploy: the gate lists the ones,
    and the upload counts the others.
    """

    domains: tuple[str, ...] = ()
    rows: tuple[PlanRow, ...] = ()
    secrets: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    migrations: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    cost: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()

    def sections(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What stands beside the resources: a label in the singular, and its sentences."""
        for label, sentences in (
            ("Secret", self.secrets),
            ("Setting", self.settings),
            ("Permission", self.permissions),
            ("Migration", self.migrations),
            ("Static files", self.files),
            ("Cost", self.cost),
            ("Warning", self.losses),
        ):
            if sentences:
                yield label, sentences


def show(changes: Changes, reporter: Reporter) -> None:
    """Shows the changes to the user."""
    for line in changes.domains:
        reporter.note(line)
    reporter.plan(changes.rows)
    for label, sentences in changes.sections():
        for sentence in sentences:
            reporter.note(f"{label}: {sentence}")
