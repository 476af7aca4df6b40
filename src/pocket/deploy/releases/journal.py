"""The completed steps of a deploy, printed if it is interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from pocket.deploy.reporting import Reporter

STORAGE = "the storage stack is up to date"
SECRETS = "the generated secrets are in their store"
PUBLISHED = "the new versions are published"
MIGRATED = "pending migrations are applied"
GATES = "the gates have passed"
STATIC = "the static files are uploaded"
LIVE = "`live` has moved to the new release"
SETTLED = "what the stage no longer needs is removed"

STEPS = (STORAGE, SECRETS, PUBLISHED, MIGRATED, GATES, STATIC, LIVE, SETTLED)
"""In their order."""


class Journal:
    """Records completed steps; as a context manager, prints them and the remaining ones on KeyboardInterrupt."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._reached: list[str] = []

    def reached(self, step: str) -> None:
        """Records one of STEPS."""
        self._reached.append(step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, KeyboardInterrupt):
            return
        if not self._reached:
            self._reporter.note("Interrupted: nothing was changed.")
            return
        missing = [step for step in STEPS if step not in self._reached]
        self._reporter.note("Interrupted. Done:")
        for step in self._reached:
            self._reporter.note(f"  {step}")
        self._reporter.note("Not done; the next deploy continues from here:")
        for step in missing:
            self._reporter.note(f"  {step}")
