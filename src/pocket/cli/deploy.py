"""`pocket deploy`, `pocket promote` and `pocket destroy`."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pocket.cli.options import AllowDestructive, AllowLoss, Backup, Local, MaybeStage, SkipGates, Stage, Yes, YesToPlan

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.config import StageConfig
    from pocket.deploy.operate.destroy import Removal


PlanFile = Annotated[
    Path | None, typer.Option("--plan", metavar="FILE", help="Apply exactly the plan in FILE, or refuse.")
]
WithDatabase = Annotated[
    str | None,
    typer.Option(
        "--with-database",
        metavar="NAME",
        help="Also remove this Aurora cluster, after a last snapshot, or this branch on Neon.",
    ),
]
Expired = Annotated[
    bool, typer.Option("--expired", help="Remove each preview that was not deployed within previews.expire_after.")
]


def deploy(
    stage: Stage,
    local: Local = False,
    yes: YesToPlan = False,
    skip_gate: SkipGates = None,
    allow_destructive: AllowDestructive = False,
    allow_loss: AllowLoss = False,
    plan: PlanFile = None,
    backup: Backup = False,
) -> None:
    """Build a release, show the changes, publish it, run the gates, and make it live."""
    from pocket.cli.console import logged
    from pocket.cli.project import destination
    from pocket.cli.rehearsal import rehearsing
    from pocket.cli.stage_database import backup_of
    from pocket.deploy import gates
    from pocket.deploy.releases import saved_plan
    from pocket.deploy.releases.making import begun
    from pocket.local import attach

    place = destination(stage, local=local)
    aws = attach(place.project.directory) if local else None
    saved, skipped = None if plan is None else saved_plan.read(plan), gates.named(skip_gate or ())
    chosen = backup_of(place, aws, wanted=backup)
    with (
        logged(place.project.directory, f"deploy-{stage}", assume_yes=yes) as progress,
        nullcontext() if aws is None else rehearsing(place, aws, progress),
        begun(place.project, place.stage, place.target, progress, skipped) as making,
    ):
        # Takes as long as the start of the build, beside which it is imported.
        from pocket.deploy.releases import deploy as release

        deployed = release.deploy(
            place.project,
            place.stage,
            place.target,
            progress,
            skip_gates=skipped,
            allow_destructive=allow_destructive,
            allow_loss=allow_loss,
            plan=saved,
            published=None if aws is None else aws.route,
            backup=chosen,
            making=making,
        )
    for address in deployed.addresses.values():
        typer.echo(address)


def promote(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Stage whose live release is promoted.")],
    stage: Annotated[str, typer.Argument(metavar="TO", help="Stage that gets the release.")],
    local: Local = False,
    yes: YesToPlan = False,
    skip_gate: SkipGates = None,
    allow_destructive: AllowDestructive = False,
    allow_loss: AllowLoss = False,
    backup: Backup = False,
) -> None:
    """Release the artifact that is live on one stage to another, without a build."""
    from pocket.cli.console import logged
    from pocket.cli.project import destination
    from pocket.cli.rehearsal import rehearsing
    from pocket.cli.stage_database import backup_of
    from pocket.deploy.releases import promotion
    from pocket.local import attach

    one, other = destination(source, local=local), destination(stage, local=local)
    with logged(other.project.directory, f"promote-{stage}", assume_yes=yes) as progress:
        aws = attach(other.project.directory) if local else None
        with nullcontext() if aws is None else rehearsing(other, aws, progress):
            deployed = promotion.promote(
                other.project,
                (one.stage, other.stage),
                (one.target, other.target),
                progress,
                skip_gates=tuple(skip_gate or ()),
                allow_destructive=allow_destructive,
                allow_loss=allow_loss,
                published=None if aws is None else aws.route,
                backup=backup_of(other, aws, wanted=backup),
            )
    for address in deployed.addresses.values():
        typer.echo(address)


def destroy(
    stage: MaybeStage = None,
    local: Local = False,
    yes: Yes = False,
    with_database: WithDatabase = None,
    expired: Expired = False,
) -> None:
    """Remove a stage with all its data, after asking for its name. Its database is kept, except a preview's."""
    if (stage is None) is not expired:
        raise typer.BadParameter("Name one stage, or use --expired.", param_hint="--stage")
    if stage is not None:
        _destroy(stage, local=local, yes=yes, with_database=with_database)
        return
    if with_database is not None:
        raise typer.BadParameter("A preview's database is removed with it.", param_hint="--with-database")
    _destroy_expired(local=local, yes=yes)


def _destroy(
    stage: str,
    *,
    local: bool,
    yes: bool,
    with_database: str | None = None,
    unused: Callable[[], bool] = lambda: True,
) -> None:
    """Removes the stage, unless `unused`, which is called under its lock, returns False."""
    from pocket.cli import rehearsal_database
    from pocket.cli.console import logged
    from pocket.cli.project import destination
    from pocket.deploy.operate import destroy as destruction
    from pocket.local import attach

    place = destination(stage, local=local)

    def confirm(removal: Removal) -> bool:
        if not unused():
            sys.stderr.write(f"Preview {stage} was deployed meanwhile, so it stays.\n")
            return False
        _show(place.stage, removal)
        return yes or _named(place.stage.name)

    with logged(place.project.directory, f"destroy-{stage}", assume_yes=True) as progress:
        whole = place.project.is_preview(stage)
        destruction.destroy(
            place.stage, place.target, progress, confirm=confirm, with_database=with_database, whole=whole
        )
    if local and (note := rehearsal_database.discard(place.stage, attach(place.project.directory))):
        sys.stderr.write(f"{note}\n")


def _destroy_expired(*, local: bool, yes: bool) -> None:
    from datetime import UTC, datetime

    from pocket.cli.failure import report
    from pocket.cli.project import current_project, destination
    from pocket.deploy.aws.account import account_id
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.stacks import previews
    from pocket.errors import DeployError, PlanRefused, PocketError

    project = current_project()
    if project.previews is None:
        raise DeployError("pocket.toml has no [previews].", "Name the stage: pocket destroy --stage NAME")
    clients = Clients(destination(project.previews.source, local=local).target)
    account = account_id(clients)

    def expired() -> dict[str, datetime]:
        return previews.expired(clients, project, account, datetime.now(UTC))

    def expires(name: str) -> bool:
        return name in expired()

    found = expired()
    if not found:
        sys.stderr.write("No preview is expired.\n")
    failed = False
    for name, changed in sorted(found.items()):
        sys.stderr.write(f"Preview {name} was last deployed at {changed:%Y-%m-%d %H:%M} UTC.\n")
        try:
            _destroy(name, local=local, yes=yes, unused=partial(expires, name))
        except PlanRefused:
            if expires(name):
                raise
        except PocketError as error:
            # Another one may be in use, or need repair; the others are removed.
            report(error)
            failed = True
    if failed:
        raise typer.Exit(1)


def _show(stage: StageConfig, removal: Removal) -> None:
    lines = list(removal.lines())
    head = f"Stage {stage.name!r} of project {stage.project_name!r} in {removal.place}"
    if not lines:
        sys.stderr.write(f"{head}: there is nothing to remove.\n")
    else:
        sys.stderr.write(f"{head}: the following is removed, with queued jobs and logs:\n")
    for line in lines:
        sys.stderr.write(f"  {line}\n")
    for kept in removal.kept:
        sys.stderr.write(f"Kept: {kept}\n")


def _named(stage: str) -> bool:
    from pocket.cli.console import CONFIRM, NOT_A_TERMINAL

    if not sys.stdin.isatty():
        sys.stderr.write(f"{NOT_A_TERMINAL} {CONFIRM}\n")
        return False
    sys.stderr.write("Type the name of the stage to continue: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == stage
