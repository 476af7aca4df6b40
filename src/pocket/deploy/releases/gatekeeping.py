"""The gates of a deploy in their order: those for the published versions, then the one for the addresses."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.gates import Candidate, checks, migrations, request, smoke, startup
from pocket.deploy.gates.gate import CHECKS, MIGRATIONS, REQUEST, SMOKE, STARTUP, refusal, without_management
from pocket.deploy.gates.invocations import invoked
from pocket.deploy.releases import journal
from pocket.deploy.releases.versions import numbers
from pocket.deploy.template.outputs import addresses, targets
from pocket.errors import GateRefused, StackFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pocket.deploy.releases.history import Release
    from pocket.deploy.releases.run import Deployed, Run
    from pocket.deploy.stacks.stack import State


def check_candidate(run: Run, main: State, versions: Mapping[str, str]) -> tuple[str, ...]:
    """Runs the gates on the published release; `versions` has the logical id of each handler's version.

    Returns the destructive migrations that were applied. Raises GateRefused.
    """
    if main.stack is None:
        raise StackFailed(f"Stack {run.stage.stack_name} was not created.")
    number = numbers(run.clients, main.stack.stack_id)
    release = Candidate(
        stage=run.stage,
        clients=run.clients,
        reporter=run.reporter,
        versions={handler: number[version] for handler, version in versions.items()},
        addresses=addresses(run.stage, main.stack.outputs),
        live=run.before.history.live,
        origin_secret=run.generation.of_distribution().get(naming.ORIGIN_SECRET, ""),
    )
    skipped, target = run.options.skipped, run.clients.target
    destructive: tuple[str, ...] = ()
    if release.management_version is None and not {CHECKS, MIGRATIONS} <= skipped:
        without_management(release)
    starts = startup.events(release) if STARTUP not in skipped else {}
    listed = migrations.look(release, target) if MIGRATIONS not in skipped else None
    # An environment keeps what a callable reads while it starts, so nothing may migrate after that.
    early = starts if listed is not None and listed.is_empty else {}
    with invoked(release, early) as (started_early,):
        if CHECKS not in skipped:
            checks.check_inside(release, target, run.made.warnings)
        if MIGRATIONS not in skipped:
            allowed, backup = run.options.allow_destructive, run.options.backup
            destructive = migrations.check(release, target, listed, allow_destructive=allowed, backup=backup)
            run.journal.reached(journal.MIGRATED)
        requests = request.events(release) if REQUEST not in skipped else {}
        left = {} if early else starts
        with _naming_migrations(destructive), invoked(release, left, requests) as (started, answered):
            if STARTUP not in skipped:
                startup.check(release, target, {**started_early, **started})
            if REQUEST not in skipped:
                request.check(release, answered)
    return destructive


def check_addresses(run: Run, done: Deployed, release: Release, move_back: Callable[[], object]) -> None:
    """Gate `smoke`: requests each address once; moves `live` back and raises GateRefused if a response fails."""
    if SMOKE in run.options.skipped or run.stage.awscontainer is None:
        return
    path = run.stage.awscontainer.gate.path
    behind = targets(run.stage, done.outputs)
    with run.reporter.step(f"Gate {SMOKE}: request each address once"):
        for handler, address in done.addresses.items():
            answer = smoke.get(address, path, through=behind.get(handler, ""))
            if not request.passes(answer.status, path):
                result = smoke.describe(run.clients, run.stage, handler, address, answer)
                raise _moved_back(run, release, f"Handler {handler!r}, GET {path}: {result}", move_back)
            run.reporter.note(f"{address} answered with status {answer.status}.")


def _moved_back(run: Run, release: Release, issue: str, move_back: Callable[[], object]) -> GateRefused:
    """Moves `live` back to the release before; returns the gate's error."""
    live = run.before.history.live
    if live is None:
        return GateRefused(
            f"Gate {SMOKE} refused release {release.number}, the first of stage {run.stage.name!r}. There is no"
            f" release to go back to, so it stays live.\n{issue}",
            "Fix the cause and deploy again.",
            gate=SMOKE,
            messages=[issue],
            live=None,
        )
    run.reporter.note(f"Moving `live` back to release {live}.")
    move_back()
    error = refusal(run.stage, live, SMOKE, [issue])
    return GateRefused(
        f"Gate {SMOKE} refused release {release.number}; `live` of stage {run.stage.name!r} is back at release"
        f" {live}.\n{issue}",
        error.hint,
        gate=SMOKE,
        messages=[issue],
        live=live,
    )


@contextmanager
def _naming_migrations(destructive: Sequence[str]) -> Iterator[None]:
    """Adds to a gate's refusal the destructive migrations applied before it, with which the live release may fail."""
    try:
        yield
    except GateRefused as error:
        if not destructive:
            raise
        live = error.live
        effect = f" Release {live} may not work with the database as it is now." if live is not None else ""
        raise GateRefused(
            f"{error.message}\nDestructive migrations were applied before: {', '.join(destructive)}.{effect}",
            error.hint,
            gate=error.gate,
            messages=error.messages,
            live=error.live,
        ) from error
