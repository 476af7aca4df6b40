"""A deploy onto the embedded AWS: the same release, its routes, what is to run before it is looked at, its state."""

from __future__ import annotations

import shlex
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
    skip_gates: Sequence[str] = (),
    allow_destructive: bool = False,
    allow_loss: bool = False,
) -> Deployed:
    """Deploys `place.stage` onto the running `aws`, runs management `commands` there, then asks the addresses.

    Migrations are the business of the deploy's gate.

    Raises what the deploy raises, and CommandFailed for a command that did not succeed.
    """
    from pocket.cli import rehearsal_database
    from pocket.deploy.releases import deploy as release

    reporter.note(rehearsal_database.described(place.stage, aws))

    def published(routes: Mapping[str, str]) -> None:
        aws.route(routes)
        for command in commands:
            _manage(place, command, reporter)

    with saved(aws):
        return release.deploy(
            place.project,
            place.stage,
            place.target,
            reporter,
            skip_gates=skip_gates,
            allow_destructive=allow_destructive,
            allow_loss=allow_loss,
            published=published,
        )


@contextmanager
def saved(aws: LocalAWS) -> Iterator[None]:
    """Has `aws` write its state to the disk at the end, in failure too: a release that was refused is there as well."""
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
    # The arguments stay out of the line: a password may be among them.
    with reporter.step(f"manage {name}"):
        outcome = invoke.manage(place.stage, place.target, name, args, tell=reporter.note)
        for line in outcome.stdout.splitlines():
            reporter.event(line)
        if outcome.exit_status != 0:
            raise CommandFailed(
                f"{shlex.quote(name)} ended with status {outcome.exit_status}.",
                (outcome.stderr or outcome.traceback or "").strip(),
                exit_status=outcome.exit_status,
                output=outcome.stdout,
            )
