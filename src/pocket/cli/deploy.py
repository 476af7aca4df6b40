"""`pocket deploy` and `pocket destroy`: what changes a stage."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from pocket.cli.options import AllowDestructive, AllowLoss, Local, SkipGates, Stage, Yes

if TYPE_CHECKING:
    from pocket.config import StageConfig
    from pocket.deploy.operate.destroy import Doomed


def deploy(
    stage: Stage,
    local: Local = False,
    yes: Yes = False,
    skip_gate: SkipGates = None,
    allow_destructive: AllowDestructive = False,
    allow_loss: AllowLoss = False,
) -> None:
    """Build, show what changes, publish it, ask the gates, make it live."""
    from pocket.cli.console import reporter
    from pocket.cli.project import destination
    from pocket.cli.rehearsal import rehearse
    from pocket.deploy.releases import deploy as release
    from pocket.local import attach

    place = destination(stage, local=local)
    voice = reporter(assume_yes=yes)
    skipped = tuple(skip_gate or ())
    if local:
        aws = attach(place.project.directory)
        deployed = rehearse(
            place, aws, voice, skip_gates=skipped, allow_destructive=allow_destructive, allow_loss=allow_loss
        )
    else:
        deployed = release.deploy(
            place.project,
            place.stage,
            place.target,
            voice,
            skip_gates=skipped,
            allow_destructive=allow_destructive,
            allow_loss=allow_loss,
        )
    for address in deployed.addresses.values():
        typer.echo(address)


def destroy(stage: Stage, local: Local = False, yes: Yes = False) -> None:
    """Remove a stage and all it holds, after asking its name."""
    from pocket.cli.console import reporter
    from pocket.cli.project import destination
    from pocket.deploy.operate import destroy as removal

    place = destination(stage, local=local)

    def agreed(doomed: Doomed) -> bool:
        _show(place.stage, doomed)
        return yes or _named(place.stage.name)

    removal.destroy(place.stage, place.target, reporter(assume_yes=True), agreed=agreed)


def _show(stage: StageConfig, doomed: Doomed) -> None:
    lines = list(doomed.lines())
    head = f"Stage {stage.name!r} of project {stage.project_name!r} in {doomed.place}"
    if not lines:
        sys.stderr.write(f"{head}: there is nothing to remove.\n")
    else:
        sys.stderr.write(f"{head}: this is removed, with queued jobs and logs:\n")
    for line in lines:
        sys.stderr.write(f"  {line}\n")
    for kept in doomed.kept:
        sys.stderr.write(f"Kept: {kept}\n")


def _named(stage: str) -> bool:
    if not sys.stdin.isatty():
        sys.stderr.write("Not a terminal, so Pocket cannot ask. Pass --yes to confirm.\n")
        return False
    sys.stderr.write("Type the stage's name to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == stage
