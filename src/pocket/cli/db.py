"""`pocket db`: the database of a stage, by its engine's means."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import AllowDestructive, Backup, Local, OutputFormat, Stage, Yes
from pocket.cli.stage_database import able, backup_of, place_of, programs

if TYPE_CHECKING:
    from pocket.cli.project import Destination

app = typer.Typer(help="Show, open, back up and restore the database of a stage.", no_args_is_help=True)

Show = Annotated[bool, typer.Option("--show", help="Print the password, too.")]
File = Annotated[Path | None, typer.Argument(help="File to write. Defaults to one in .pocket/backups.")]


@app.command()
def status(stage: Stage, local: Local = False, output: OutputFormat = "text") -> None:
    """Show the server, the size and the connections."""
    if output not in {"text", "json"}:
        raise typer.BadParameter(f"{output!r} is not one of text, json.", param_hint="--format")
    place, aws = place_of(stage, local=local)
    found = programs(place, aws).status(place.stage.database.engine if place.stage.database else "postgresql")
    if output == "json":
        typer.echo(json.dumps(asdict(found), indent=2))
        return
    typer.echo(f"PostgreSQL {found.version} at {found.host}, engine {found.engine}")
    typer.echo(f"Database {found.name}, user {found.user}: {found.tables} tables, {found.size / 1e6:,.1f} MB")
    typer.echo(f"Connections: {found.connections} open, {found.limit} at most")
    typer.echo(_needed(place, found.limit))


def _needed(place: Destination, limit: int) -> str:
    handlers = place.stage.awscontainer.handlers if place.stage.awscontainer else {}
    if place.stage.database is not None and place.stage.database.engine == "neon":
        return "The functions connect through Neon's pooler, which takes more."
    unlimited = [name for name, handler in handlers.items() if handler.reserved_concurrency is None]
    if unlimited:
        return f"Lambda limits only by the account's concurrency: {', '.join(unlimited)} (no reserved_concurrency)."
    needed = sum(handler.reserved_concurrency or 0 for handler in handlers.values())
    enough = "enough" if needed <= limit else "too few"
    return f"The functions need up to {needed}, by their reserved_concurrency: {enough}."


@app.command()
def url(stage: Stage, show: Show = False, local: Local = False) -> None:
    """Print the URL, without its password."""
    from pocket.deploy.operate.database import access

    place, _ = place_of(stage, local=local)
    typer.echo(access(place.stage, place.target).url(show=show))


@app.command()
def shell(stage: Stage, local: Local = False) -> None:
    """Open psql."""
    place, aws = place_of(stage, local=local)
    programs(place, aws).shell()


@app.command()
def backup(stage: Stage, file: File = None, local: Local = False) -> None:
    """Write a dump of the database, and print the file's path."""
    from pocket.cli.console import reporter
    from pocket.deploy.operate.postgresql import backup_file
    from pocket.errors import CommandFailed

    place, aws = place_of(stage, local=local)
    found = programs(place, aws)
    if file is None:
        file = backup_file(place.project.directory, stage)
    elif file.exists():
        raise CommandFailed(f"{file} exists already.", "Choose another name.")
    with reporter().step("Write a dump"):
        found.dump(file)
    typer.echo(str(file))


@app.command()
def restore(
    stage: Stage,
    file: Annotated[
        Path | None, typer.Argument(help="A dump that `pocket db backup` wrote.", exists=True, dir_okay=False)
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option("--at", help="Instead of a dump: the time of the data, in UTC.", formats=["%Y-%m-%dT%H:%M:%S"]),
    ] = None,
    local: Local = False,
) -> None:
    """Restore a dump, or the data of an earlier time, into a new database, and print its name.

    In a rehearsal, the new database takes the place of the present one, which is kept under another name. On AWS, the
    stage uses the new one once pocket.toml or its secret names it and the stage is deployed.
    """
    if (file is None) == (at is None):
        raise typer.BadParameter("Give either a dump or --at.", param_hint="FILE")
    if at is not None and local:
        raise typer.BadParameter("A rehearsal keeps no earlier data. Give a dump.", param_hint="--at")
    if file is not None:
        _restore_dump(stage, file, local=local)
    elif at is not None:
        _restore_time(stage, at.replace(tzinfo=UTC))


def _restore_dump(stage: str, file: Path, *, local: bool) -> None:
    from pocket.cli.console import reporter
    from pocket.cli.failure import write
    from pocket.deploy.operate.database import access
    from pocket.errors import CommandFailed

    place, aws = place_of(stage, local=local)
    if aws is None and place.stage.cluster_name is not None:
        raise CommandFailed(
            'With engine = "aurora" the stage always uses the database postgres of its cluster, so no restored database'
            " can take its place.",
            "For the data of an earlier time: pocket db restore --at. Or restore the dump into a server of your own"
            ' (pg_restore), and name it in pocket.toml: engine = "postgresql", iam = true.',
        )
    found = programs(place, aws)
    progress = reporter()
    with progress.step("Restore the dump into a new database"):
        fresh = found.restore(file)
    if aws is not None and aws.postgresql is not None:
        before = found.switch(fresh)
        write("info", f"The stage uses the restored database now. The one before is kept as {before}.")
    else:
        reference = place.stage.database_reference
        where = f"the URL of the secret {reference.secret_id}" if reference else "database.name of pocket.toml"
        write("info", f"To switch, name the database {fresh} in {where}, then deploy.")
        if place.stage.branch_name is not None and place.stage.database and place.stage.database.name is None:
            now = access(place.stage, place.target).name
            write("info", f'The branch has two databases now. To keep the present one, set name = "{now}" there.')
        typer.echo(fresh)


def _restore_time(stage: str, at: datetime) -> None:
    from pocket.cli.console import reporter
    from pocket.cli.failure import write
    from pocket.deploy.operate import branches

    place = able(stage, "be restored to a time", ("neon", "aurora"))
    progress = reporter()
    with progress.step(f"Make a copy with the data of {at:%Y-%m-%d %H:%M:%S} UTC"):
        made = branches.restore(place.stage, place.target, at, progress)
    key = "branch" if place.stage.branch_name is not None else "cluster"
    write("info", f'To switch, set {key} = "{made}" in [{stage}.database], then deploy.')
    typer.echo(made)


@app.command()
def migrate(
    stage: Stage,
    local: Local = False,
    yes: Yes = False,
    allow_destructive: AllowDestructive = False,
    backup: Backup = False,
) -> None:
    """Migrate from this machine, with the code in this folder, where a function's 15 minutes are too short.

    The next deploy finds the migrations applied. Secrets other than the database's URL are placeholders.
    """
    from pocket.cli.console import reporter
    from pocket.deploy.operate import migration
    from pocket.deploy.operate.database import access
    from pocket.errors import PlanRefused

    place, aws = place_of(stage, local=local)
    found, progress = access(place.stage, place.target), reporter(assume_yes=yes)
    with migration.prepared(place.project, place.stage, place.target, found) as here:
        pending = here.pending()
        if not pending.migrations and not pending.grants:
            progress.note(f"The database is {pending.database}: no migration is pending.")
            return
        for line in pending.lines(None):
            progress.note(line)
        breaks = bool(pending.destructive) and pending.used
        kept = backup_of(place, aws, wanted=backup) if breaks or backup else None
        asks = breaks and not allow_destructive
        if kept is not None and (backup or (asks and progress.confirm("Back the database up first?", grave=True))):
            progress.note(f"The backup is {kept.write()}.")
        question = f"Migrate the database {found.name} at {found.place} as {found.user}, with the code in this folder?"
        if not progress.confirm(question, grave=asks):
            raise PlanRefused("Nothing was migrated.", f"To confirm: --yes{' --allow-destructive' * asks}")
        here.migrate()


@app.command()
def branch(
    stage: Stage, name: Annotated[str, typer.Argument(help="Name of the copy, or the end of a cluster's.")]
) -> None:
    """Make a copy of the database for a trial, if its engine can, and print its name."""
    from pocket.cli.console import reporter
    from pocket.deploy.operate import branches

    place = able(stage, "have branches", ("neon", "aurora"))
    progress = reporter()
    with progress.step("Make a copy with the present data"):
        made = branches.copy(place.stage, place.target, name, progress)
    typer.echo(made)


@app.command()
def remove(stage: Stage, name: Annotated[str, typer.Argument(help="Name of the copy.")], yes: Yes = False) -> None:
    """Delete a copy that `branch` or `restore --at` made, or the database that the stage used before a switch."""
    from pocket.cli.console import reporter
    from pocket.deploy.operate import branches
    from pocket.errors import PlanRefused

    place = able(stage, "have copies", ("neon", "aurora"))
    progress = reporter(assume_yes=yes)
    if not progress.confirm(f"Delete {name} of stage {stage} with its data?"):
        raise PlanRefused("Nothing was removed.", "Pass --yes to confirm.")
    with progress.step(f"Remove {name}"):
        removed = branches.remove(place.stage, place.target, name, progress)
    typer.echo(removed)


@app.command()
def rotate(stage: Stage) -> None:
    """Give the functions' user another password, if Pocket keeps it; a warm function reads it when it is refused."""
    from pocket.cli.console import reporter
    from pocket.cli.failure import write
    from pocket.deploy.operate import branches

    place = able(stage, "be rotated by Pocket", ("neon",))
    shown = reporter()
    with shown.step("Change the password"):
        branches.rotate(place.stage, place.target, shown)
    write("info", f"{place.stage.database_variable} has the new password. No deploy is needed.")
