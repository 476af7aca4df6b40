"""What the gates share: their names, the release that they check, and their refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pocket import naming
from pocket.errors import DeployError, GateRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

PROJECT, MAIL, NETWORK, CHECKS, MIGRATIONS, STARTUP, REQUEST, SMOKE = NAMES = (
    "project",
    "mail",
    "network",
    "checks",
    "migrations",
    "startup",
    "request",
    "smoke",
)
"""Every gate, in the order in which they run."""


@dataclass(frozen=True)
class Candidate:
    """A published release without traffic.

    `versions` maps each handler to its version's number, `addresses` a handler to its future address. `live` is the
    number of the live release; None before the first.
    """

    stage: StageConfig
    clients: Clients
    reporter: Reporter
    versions: Mapping[str, str]
    addresses: Mapping[str, str]
    live: int | None
    origin_secret: str = field(default="", repr=False)
    """What the stage's distribution sends to the function behind it."""

    @property
    def management_version(self) -> str | None:
        """The version of the handler for management commands; None if the stage has no such handler."""
        handler = self.stage.command_handler
        return None if handler is None else self.versions.get(handler)


def named(names: Iterable[str]) -> frozenset[str]:
    """The gates of those names. Raises DeployError, with the known names, for an unknown one."""
    given = tuple(names)
    for name in given:
        if name not in NAMES:
            raise DeployError(f"Unknown gate {name!r}.", f"The gates are {', '.join(NAMES)}.")
    return frozenset(given)


def refusal(stage: StageConfig, live: int | None, gate: str, messages: Sequence[str], hint: str = "") -> GateRefused:
    """The error of a gate that refused the release of `stage`, with the reasons and the live release."""
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
    """Notes which gates do not run without a handler for management commands, and how to add one."""
    candidate.reporter.note(
        f"Stage {candidate.stage.name} has no handler for management commands, so the gates {CHECKS}, {MIGRATIONS}"
        f" and {STARTUP} do not run. To run them, add [awscontainer.handlers.management] with"
        f' command = "{naming.MANAGEMENT_HANDLER}".'
    )
