"""`pocket releases` and `pocket rollback`."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import Local, OutputFormat, Stage, Yes

if TYPE_CHECKING:
    from pocket.deploy.releases.history import History, Release

DIGITS = 12


def releases(stage: Stage, local: Local = False, output: OutputFormat = "text") -> None:
    """List the kept releases, and show which one is live."""
    from pocket.cli.project import destination
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.releases.deploy import read
    from pocket.errors import DeployError

    if output not in {"text", "json"}:
        raise typer.BadParameter(f"{output!r} is not one of text, json.", param_hint="--format")
    place = destination(stage, local=local)
    history = read(Clients(place.target), place.stage).history
    if not history.releases:
        raise DeployError(f"Stage {stage!r} has no release.", f"Deploy one: pocket deploy --stage {stage}")
    if output == "json":
        typer.echo(json.dumps([_described(item, history) for item in history.releases], indent=2))
    else:
        _show(history)


def rollback(
    stage: Stage,
    release: Annotated[
        int | None,
        typer.Argument(metavar="[RELEASE]", help="Number of the release. Defaults to the one before."),
    ] = None,
    local: Local = False,
    yes: Yes = False,
    uncompared: Annotated[
        bool,
        typer.Option("--uncompared", help="Roll back even if the releases' migrations cannot be compared."),
    ] = False,
) -> None:
    """Make a kept release live again, in seconds."""
    from pocket.cli.console import reporter
    from pocket.cli.project import destination
    from pocket.cli.rehearsal import saved
    from pocket.deploy.releases.rollback import rollback as roll_back
    from pocket.local import attach

    place = destination(stage, local=local)
    with saved(attach(place.project.directory)) if local else nullcontext():
        done = roll_back(place.stage, place.target, reporter(assume_yes=yes), release, uncompared=uncompared)
    sys.stderr.write(f"Release {done.release.number} is live; before, release {done.before.number} was.\n")
    for address in done.addresses.values():
        typer.echo(address)


def _show(history: History) -> None:
    from pocket.cli.console import aligned

    rows = [("RELEASE", "CREATED", "ARTIFACT", "GIT", "LIVE", "SKIPPED")]
    rows += [
        (
            str(item.number),
            item.created or "-",
            _digest(item) or "-",
            (item.git[:DIGITS] + "+" * item.dirty) or "-",
            "live" if item.number == history.live else "",
            ", ".join(item.skipped),
        )
        for item in history.releases
    ]
    for line in aligned(rows):
        typer.echo(line)


def _digest(release: Release) -> str:
    """The first digits of the artifact's hash, which is at the end of its key."""
    return release.artifact.rpartition("/")[2].partition(".")[0][:DIGITS]


def _described(release: Release, history: History) -> dict[str, object]:
    return {"release": release.number, "live": release.number == history.live, **_without_number(release)}


def _without_number(release: Release) -> dict[str, object]:
    return {name: value for name, value in asdict(release).items() if name != "number"}
