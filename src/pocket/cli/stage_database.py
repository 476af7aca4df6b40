"""The database of a stage for the commands that work on it: where it is, PostgreSQL's programs, how it is backed up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocket.cli.project import Destination
    from pocket.deploy.gates.migrations import Backup
    from pocket.deploy.operate.postgresql import Programs
    from pocket.local import LocalAWS


def able(stage: str, what: str, engines: Sequence[str]) -> Destination:
    """The stage on AWS whose database is of one of the engines. Raises CommandFailed for another."""
    from pocket.errors import CommandFailed

    place, _ = place_of(stage, local=False)
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
        programs(place, aws).dump(file)
        return str(file)

    def branch() -> str:
        return f"the branch {branches.restore(stage, place.target, None, reporter())}"

    return Backup(branch if aws is None and stage.branch_name is not None else dump, wanted)


def place_of(stage: str, *, local: bool) -> tuple[Destination, LocalAWS | None]:
    """The stage, and the local AWS if it is there."""
    from pocket.cli.project import destination
    from pocket.local import attach

    place = destination(stage, local=local)
    return place, attach(place.project.directory) if local else None


def programs(place: Destination, aws: LocalAWS | None) -> Programs:
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
