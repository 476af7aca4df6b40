"""A deploy to the local AWS: the same release, with its routes, commands to run after it, and saved state."""

from __future__ import annotations

import shlex
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from pocket.cli.project import Destination
    from pocket.deploy.releases.deploy import Deployed
    from pocket.deploy.reporting import Reporter
    from pocket.local import LocalAWS


def rehearse(
    place: Destination,
    aws: LocalAWS,
    reporter: Reporter,
    commands: Sequence[Sequence[str]] = (),
    *,
    skip_gates: Sequence[str],
    required: Callable[[], Collection[str]] = tuple,
    allow_destructive: bool,
) -> Deployed:
    """Deploys `place.stage` to the running `aws`, then runs management `commands`, whose uploads cause events.

    The deploy's gate applies migrations. Data that it would lose is that of a rehearsal, and is not asked about.

    Raises the deploy's errors, and CommandFailed for a command that fails.
    """
    from pocket.deploy.releases import deploy as release

    with rehearsing(place, aws, reporter):
        deployed = release.deploy(
            place.project,
            place.stage,
            place.target,
            reporter,
            skip_gates=skip_gates,
            required=required,
            allow_destructive=allow_destructive,
            allow_loss=True,
            published=aws.route,
        )
        for command in commands:
            _manage(place, command, reporter)
        return deployed


@contextmanager
def rehearsing(place: Destination, aws: LocalAWS, reporter: Reporter) -> Iterator[None]:
    """Makes the stage's database, and saves the state of `aws` at the end."""
    from pocket.cli import rehearsal_database

    rehearsal_database.prepare(place.stage, aws)
    reporter.note(rehearsal_database.described(place.stage, aws))
    with saved(aws):
        yield


@contextmanager
def saved(aws: LocalAWS) -> Iterator[None]:
    """Saves the state of `aws` at the end, also after an error: a refused release is part of it."""
    from pocket.errors import LocalAWSError

    try:
        yield
    except BaseException:
        with suppress(LocalAWSError):
            aws.save()
        raise
    aws.save()


def _manage(place: Destination, command: Sequence[str], reporter: Reporter) -> None:
    from pocket.deploy.aws import invoke
    from pocket.errors import CommandFailed

    name, *args = command
    # The arguments are not printed: they may contain a password.
    with reporter.step(f"manage {name}"):
        outcome = invoke.manage(place.stage, place.target, name, args, note=reporter.note)
        for line in outcome.stdout.splitlines():
            reporter.event(line)
        if outcome.exit_status != 0:
            raise CommandFailed(
                f"{shlex.quote(name)} ended with status {outcome.exit_status}.",
                (outcome.stderr or outcome.traceback or "").strip(),
                exit_status=outcome.exit_status,
                output=outcome.stdout,
            )
