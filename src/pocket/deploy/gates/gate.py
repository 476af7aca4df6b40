"""What the gates have in common: their names, the release that they look at, and how they refuse it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocket import naming
from pocket.errors import DeployError, GateRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

PROJECT, CHECKS, MIGRATIONS, STARTUP, REQUEST, SMOKE = NAMES = (
    "project",
    "checks",
    "migrations",
    "startup",
    "request",
    "smoke",
)
"""Every gate, in the order in which they run."""

ERROR = 40
"""Django's number of the level from which a message refuses."""


@dataclass(frozen=True)
class Candidate:
    """A release that is published and that no traffic reaches yet.

    `versions` maps each handler to its version's number, `addresses` a handler to the address that it will have.
    `live` is the number of the release that answers meanwhile, None where none ever did.
    """

    stage: StageConfig
    clients: Clients
    reporter: Reporter
    versions: Mapping[str, str]
    addresses: Mapping[str, str]
    live: int | None

    @property
    def management_version(self) -> str | None:
        """The version of the handler for management commands; None where the stage has none."""
        handler = self.stage.command_handler
        return None if handler is None else self.versions.get(handler)


def named(names: Iterable[str]) -> frozenset[str]:
    """The gates of those names; raises DeployError, with the known ones, for a name of none."""
    given = tuple(names)
    for name in given:
        if name not in NAMES:
            raise DeployError(f"Unknown gate {name!r}.", f"The gates are {', '.join(NAMES)}.")
    return frozenset(given)


def refusal(stage: StageConfig, live: int | None, gate: str, messages: Sequence[str], hint: str = "") -> GateRefused:
    """The error that says which gate refused the release of `stage`, why, and who answers meanwhile."""
    listed = "\n".join(message if len(messages) == 1 else f"- {message}" for message in messages)
    answering = f"release {live} stays live" if live is not None else "no release is live yet"
    return GateRefused(
        f"Gate {gate} refused the release. `live` of stage {stage.name!r} has not moved: {answering}.\n{listed}",
        hint or f"Fix the cause and deploy again, or pass `--skip-gate {gate}`; the release records that.",
        gate=gate,
        messages=messages,
        live=live,
    )


def without_management(candidate: Candidate) -> None:
    """Notes which gates a stage without a handler for management commands goes without, and the cure."""
    candidate.reporter.note(
        f"Stage {candidate.stage.name} has no handler for management commands, so the gates {CHECKS}, {MIGRATIONS}"
        f" and {STARTUP} do not run. To run them, add [awscontainer.handlers.management] with"
        f' command = "{naming.MANAGEMENT_HANDLER}".'
    )
