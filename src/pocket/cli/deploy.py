"""`pocket deploy` and `pocket destroy`: what changes a stage."""

from __future__ import annotations

import sys

import typer

from pocket.cli.options import AllowDestructive, Local, SkipGates, Stage, Yes


def deploy(
    stage: Stage,
    local: Local = False,
    yes: Yes = False,
    skip_gate: SkipGates = None,
    allow_destructive: AllowDestructive = False,
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
        deployed = rehearse(place, aws, voice, skip_gates=skipped, allow_destructive=allow_destructive)
    else:
        deployed = release.deploy(
            place.project,
            place.stage,
            place.target,
            voice,
            skip_gates=skipped,
            allow_destructive=allow_destructive,
        )
    for address in deployed.addresses.values():
        typer.echo(address)


def destroy(stage: Stage, local: Local = False, yes: Yes = False) -> None:
    """Remove a stage and all it holds, after asking its name."""
    from pocket.cli import rehearsal_database
    from pocket.cli.console import reporter
    from pocket.cli.project import destination
    from pocket.deploy.operate import destroy as removal
    from pocket.errors import DeployError
    from pocket.local import attach

    place = destination(stage, local=local)
    if not yes and not _named(place.stage.name):
        raise DeployError(
            f"Stage {place.stage.name!r} was not named, so nothing was removed.",
            "Type the stage's name when asked, or pass --yes.",
        )
    removed = removal.destroy(place.stage, place.target, reporter(assume_yes=True))
    for kept in removed.kept:
        sys.stderr.write(f"Kept: {kept}\n")
    if local and (said := rehearsal_database.discard(place.stage, attach(place.project.directory))):
        sys.stderr.write(f"{said}\n")


def _named(stage: str) -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"This removes stage {stage!r} with its data: files, queued jobs, logs, generated secrets.\n")
    sys.stderr.write("Type the stage's name to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == stage
