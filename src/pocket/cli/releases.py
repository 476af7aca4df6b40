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
    from collections.abc import Mapping, Sequence

    from pocket.cli.project import Destination
    from pocket.deploy.releases.history import History, Release

DIGITS = 12


def releases(stage: Stage, local: Local = False, output: OutputFormat = "text") -> None:
    """List the kept releases, which one is live, and which other stages run their artifacts."""
    from pocket.cli.failure import write
    from pocket.cli.project import destination
    from pocket.deploy.aws.account import account_id
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.operate.status import locked
    from pocket.deploy.releases.deploy import read
    from pocket.errors import DeployError

    if output not in {"text", "json"}:
        raise typer.BadParameter(f"{output!r} is not one of text, json.", param_hint="--format")
    place = destination(stage, local=local)
    clients = Clients(place.target)
    # While something changes the stage, its releases may not be readable.
    if holder := locked(clients, place.stage, account_id(clients)):
        write("info", f"Stage {stage} is locked by {holder}.")
    history = read(clients, place.stage).history
    if not history.releases:
        raise DeployError(f"Stage {stage!r} has no release.", f"Deploy one: pocket deploy --stage {stage}")
    elsewhere = _elsewhere(place, local=local)
    if output == "json":
        typer.echo(json.dumps([_described(item, history, elsewhere) for item in history.releases], indent=2))
    else:
        _show(history, elsewhere)


def _elsewhere(place: Destination, *, local: bool) -> dict[str, list[str]]:
    """The other stages of the project where each artifact is live, by its key."""
    from pocket.cli.failure import write
    from pocket.cli.project import destination
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.releases.deploy import read
    from pocket.errors import PocketError

    found: dict[str, list[str]] = {}
    for name in dict.fromkeys([*place.project.stages, *_previews(place, local=local)]):
        if name == place.stage.name:
            continue
        try:
            other = destination(name, local=local)
            live = read(Clients(other.target), other.stage).history.live_release
        except PocketError as error:
            write("info", f"Stage {name} could not be read: {error.message}")
            continue
        if live is not None and live.artifact:
            found.setdefault(live.artifact, []).append(name)
    return found


def _previews(place: Destination, *, local: bool) -> list[str]:
    """The previews that exist."""
    from pocket.cli.failure import write
    from pocket.cli.project import destination
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.stacks import previews
    from pocket.errors import PocketError

    if place.project.previews is None:
        return []
    try:
        source = destination(place.project.previews.source, local=local)
        return sorted(previews.existing(Clients(source.target), place.project))
    except PocketError as error:
        write("info", f"Previews could not be found: {error.message}")
        return []


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


def _show(history: History, elsewhere: Mapping[str, Sequence[str]]) -> None:
    from pocket.cli.console import aligned

    rows = [("RELEASE", "CREATED", "ARTIFACT", "GIT", "LIVE", "SKIPPED", "ALSO LIVE ON")]
    rows += [
        (
            str(item.number),
            item.created or "-",
            _digest(item) or "-",
            (item.git[:DIGITS] + "+" * item.dirty) or "-",
            "live" if item.number == history.live else "",
            ", ".join(item.skipped),
            ", ".join(elsewhere.get(item.artifact, ())),
        )
        for item in history.releases
    ]
    for line in aligned(rows):
        typer.echo(line)


def _digest(release: Release) -> str:
    """The first digits of the artifact's hash, which is at the end of its key."""
    return release.artifact.rpartition("/")[2].partition(".")[0][:DIGITS]


def _described(release: Release, history: History, elsewhere: Mapping[str, Sequence[str]]) -> dict[str, object]:
    where = {"live": release.number == history.live, "also_live_on": list(elsewhere.get(release.artifact, ()))}
    return {"release": release.number, **where, **_without_number(release)}


def _without_number(release: Release) -> dict[str, object]:
    return {name: value for name, value in asdict(release).items() if name != "number"}
