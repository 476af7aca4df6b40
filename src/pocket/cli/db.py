"""`pocket db`: the database of a stage, by its engine's means."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import Local, OutputFormat, Stage, Yes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocket.cli.project import Destination
    from pocket.deploy.gates.migrations import Backup
    from pocket.deploy.operate.postgresql import Programs
    from pocket.local import LocalAWS

app = typer.Typer(help="Show, open, back up and restore the database of a stage.", no_args_is_help=True)

Show = Annotated[bool, typer.Option("--show", help="Print the password, too.")]
File = Annotated[Path | None, typer.Argument(help="File to write. Defaults to one in .pocket/backups.")]


@app.command()
def status(stage: Stage, local: Local = False, output: OutputFormat = "text") -> None:
    """Show the server, the size and the connections."""
    if output not in {"text", "json"}:
        raise typer.BadParameter(f"{output!r} is not one of text, json.", param_hint="--format")
    place, aws = _place(stage, local=local)
    found = _programs(place, aws).status(place.stage.database.engine if place.stage.database else "postgresql")
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

    place, _ = _place(stage, local=local)
    typer.echo(access(place.stage, place.target).url(show=show))


@app.command()
def shell(stage: Stage, local: Local = False) -> None:
    """Open psql."""
    place, aws = _place(stage, local=local)
    _programs(place, aws).shell()


@app.command()
def backup(stage: Stage, file: File = None, local: Local = False) -> None:
    """Write a dump of the database, and print the file's path."""
    from pocket.cli.console import reporter
    from pocket.deploy.operate.postgresql import backup_file
    from pocket.errors import CommandFailed

    place, aws = _place(stage, local=local)
    programs = _programs(place, aws)
    if file is None:
        file = backup_file(place.project.directory, stage)
    elif file.exists():
        raise CommandFailed(f"{file} exists already.", "Choose another name.")
    with reporter().step("Write a dump"):
        programs.dump(file)
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

    place, aws = _place(stage, local=local)
    if aws is None and place.stage.cluster_name is not None:
        raise CommandFailed(
            'With engine = "aurora" the stage always uses the database postgres of its cluster, so no restored database'
            " can take its place.",
            "For the data of an earlier time: pocket db restore --at. Or restore the dump into a server of your own"
            ' (pg_restore), and name it in pocket.toml: engine = "postgresql", iam = true.',
        )
    programs = _programs(place, aws)
    progress = reporter()
    with progress.step("Restore the dump into a new database"):
        fresh = programs.restore(file)
    if aws is not None and aws.postgresql is not None:
        before = programs.switch(fresh)
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

    place = _able(stage, "be restored to a time", ("neon", "aurora"))
    progress = reporter()
    with progress.step(f"Make a copy with the data of {at:%Y-%m-%d %H:%M:%S} UTC"):
        made = branches.restore(place.stage, place.target, at, progress)
    key = "branch" if place.stage.branch_name is not None else "cluster"
    write("info", f'To switch, set {key} = "{made}" in [{stage}.database], then deploy.')
    typer.echo(made)


@app.command()
def migrate(stage: Stage, local: Local = False, yes: Yes = False) -> None:
    """Migrate from this machine, with the code in this folder, where a function's 15 minutes are too short.

    The next deploy finds the migrations applied. Secrets other than the database's URL are placeholders.
    """
    from pocket.cli.console import reporter
    from pocket.deploy.operate import migration
    from pocket.deploy.operate.database import access
    from pocket.errors import PlanRefused

    place, _ = _place(stage, local=local)
    found = access(place.stage, place.target)
    question = f"Migrate the database {found.name} at {found.place} as {found.user}, with the code in this folder?"
    if not reporter(assume_yes=yes).confirm(question):
        raise PlanRefused("Nothing was migrated.", "Pass --yes to confirm.")
    migration.migrate(place.project, place.stage, place.target, found)


@app.command()
def branch(
    stage: Stage, name: Annotated[str, typer.Argument(help="Name of the copy, or the end of a cluster's.")]
) -> None:
    """Make a copy of the database for a trial, if its engine can, and print its name."""
    from pocket.cli.console import reporter
    from pocket.deploy.operate import branches

    place = _able(stage, "have branches", ("neon", "aurora"))
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

    place = _able(stage, "have copies", ("neon", "aurora"))
    progress = reporter(assume_yes=yes)
    if not progress.confirm(f"Delete {name} with its data?"):
        raise PlanRefused("Nothing was removed.", "Pass --yes to confirm.")
    with progress.step(f"Remove {name}"):
        removed = branches.remove(place.stage, place.target, name)
    typer.echo(removed)


@app.command()
def rotate(stage: Stage) -> None:
    """Give the functions' user another password, if Pocket keeps it; a warm function reads it when it is refused."""
    from pocket.cli.console import reporter
    from pocket.cli.failure import write
    from pocket.deploy.operate import branches

    place = _able(stage, "be rotated by Pocket", ("neon",))
    shown = reporter()
    with shown.step("Change the password"):
        branches.rotate(place.stage, place.target, shown)
    write("info", f"{place.stage.database_variable} has the new password. No deploy is needed.")


def _able(stage: str, what: str, engines: Sequence[str]) -> Destination:
    """The stage on AWS whose database is of one of the engines. Raises CommandFailed for another."""
    from pocket.errors import CommandFailed

    place, _ = _place(stage, local=False)
    found = place.stage.database
    if found is not None and found.engine in engines:
        return place
    why = f'its engine is "{found.engine}"' if found is not None else "the stage has no [database]"
    raise CommandFailed(
        f"The database of stage {stage!r} cannot {what}: {why}.",
        "Use `pocket db backup` and `pocket db restore`, which restores into a new database.",
    )


def backup_of(place: Destination, aws: LocalAWS | None, *, wanted: bool) -> Backup | None:
    """How a deploy backs the stage's database up: a branch on Neon, else a dump; None without `[database]`.

    Raises CommandFailed if a backup is `wanted` and there is none.
    """
    from pocket.cli.console import reporter
    from pocket.deploy.gates.migrations import Backup
    from pocket.deploy.operate import branches
    from pocket.deploy.operate.postgresql import backup_file
    from pocket.errors import CommandFailed

    stage = place.stage
    if stage.database is None:
        if wanted:
            raise CommandFailed(f"Stage {stage.name!r} has no [database], so --backup cannot back it up.")
        return None

    def dump() -> str:
        file = backup_file(place.project.directory, stage.name)
        _programs(place, aws).dump(file)
        return str(file)

    def branch() -> str:
        return f"the branch {branches.restore(stage, place.target, None, reporter())}"

    return Backup(branch if aws is None and stage.branch_name is not None else dump, wanted)


def _place(stage: str, *, local: bool) -> tuple[Destination, LocalAWS | None]:
    from pocket.cli.project import destination
    from pocket.local import attach

    place = destination(stage, local=local)
    return place, attach(place.project.directory) if local else None


def _programs(place: Destination, aws: LocalAWS | None) -> Programs:
    """PostgreSQL's programs: those of the rehearsals' server, else the system's. Raises CommandFailed without any."""
    from pocket.deploy.operate.database import access
    from pocket.deploy.operate.postgresql import Programs
    from pocket.errors import CommandFailed
    from pocket.local.postgresql.programs import clients

    found = access(place.stage, place.target)
    folder = Path(aws.postgresql.programs) if aws is not None and aws.postgresql is not None else clients()
    if folder is None:
        raise CommandFailed(
            "psql, pg_dump and pg_restore were not found on this machine.",
            "Install PostgreSQL's client, for example postgresql-client (Debian) or libpq (Homebrew).",
        )
    return Programs(folder, found)
