"""Rollback, or forward, to a kept release: moves `live` of all handlers and builds nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.aws.account import account_id, place
from pocket.deploy.aws.session import Clients
from pocket.deploy.gates import migrations, smoke
from pocket.deploy.releases.history import deployed_state
from pocket.deploy.releases.versions import numbers
from pocket.deploy.stacks.lock import Lock
from pocket.deploy.stacks.ownership import own_state
from pocket.deploy.stacks.plan import Plans
from pocket.deploy.template import Template
from pocket.deploy.template.outputs import addresses, targets
from pocket.deploy.template.steps import moved
from pocket.deploy.template.storage import artifact_bucket_name, storage_stack_name
from pocket.errors import CommandFailed, DeployError, PlanRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.config import StageConfig
    from pocket.deploy.releases.history import DeployedState, Release
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target


@dataclass(frozen=True)
class RolledBack:
    """The release that is live now, the one that was live before, and the addresses by handler."""

    release: Release
    before: Release
    addresses: Mapping[str, str] = field(default_factory=dict)


def rollback(
    stage: StageConfig,
    target: Target,
    reporter: Reporter,
    number: int | None = None,
    *,
    assume_yes: bool = False,
    uncompared: bool = False,
) -> RolledBack:
    """Makes release `number` live; by default the release before the live one.

    Handlers that were added later stay unchanged. If the releases' migrations cannot be compared, the user must
    confirm, or have passed `uncompared`. Raises DeployError for a release that is not kept, is live already, has a
    handler that the stage no longer has, or was followed by a destructive migration; PlanRefused if the user declines.
    """
    clients = Clients(target)
    with reporter.step("Check the credentials"):
        account = account_id(clients)
    with Lock(clients, stage.name, "rollback", reporter) as lock:
        if own_state(clients, stage, storage_stack_name(stage)).stack is not None:
            lock.take(artifact_bucket_name(stage, account))
        with Plans(clients, reporter, allowed=lock.check) as plans:
            return _roll_back(stage, plans, account, number, assume_yes=assume_yes, uncompared=uncompared)


def _roll_back(
    stage: StageConfig, plans: Plans, account: str, number: int | None, *, assume_yes: bool, uncompared: bool
) -> RolledBack:
    clients, reporter = plans.clients, plans.reporter
    main = own_state(clients, stage, stage.stack_name)
    found = deployed_state(stage, main.body)
    live = found.history.live_release
    if live is None:
        raise DeployError(f"Stage {stage.name!r} has no release.", f"pocket deploy --stage {stage.name}")
    wanted = _chosen(stage, found, live, number)
    _refuse_removed(stage, found, wanted)
    with reporter.step("Compare the migrations of the releases"):
        unknown = _refuse_destructive(stage, clients, found, wanted)
    if unknown:
        _confirm_uncompared(reporter, live, wanted, unknown, uncompared=uncompared)
    for handler in sorted(found.aliases.keys() - wanted.versions.keys()):
        reporter.note(f"Handler {handler} was added after release {wanted.number} and stays unchanged.")
    reporter.note(f"Stage {stage.name} in {place(clients, account)}: from release {live.number} to {wanted.number}.")
    question = f"Make release {wanted.number} of stage {stage.name} live?"
    if not assume_yes and not reporter.confirm(question):
        raise PlanRefused(f"Release {live.number} stays live.", "Pass --yes to confirm.")
    history = replace(found.history, live=wanted.number)
    aliases = {naming.logical_id(handler, "Alias"): version for handler, version in wanted.versions.items()}
    template = Template(moved(found.body, history.to_metadata(), aliases))
    bucket = artifact_bucket_name(stage, account)
    stack = plans.carry_out(plans.add(stage.stack_name, template, since=main, bucket=bucket)).stack
    outputs = stack.outputs if stack is not None else {}
    by_handler, behind = addresses(stage, outputs), targets(stage, outputs)
    with reporter.step("Request each address once"):
        for handler, address in by_handler.items():
            smoke.check(clients, stage, handler, address, reporter, through=behind.get(handler, ""))
    return RolledBack(wanted, live, by_handler)


def _chosen(stage: StageConfig, found: DeployedState, live: Release, number: int | None) -> Release:
    releases = found.history.releases
    kept = ", ".join(str(release.number) for release in releases)
    if number is None:
        earlier = [release for release in releases if release.number < live.number]
        if not earlier:
            raise DeployError(
                f"Stage {stage.name!r} keeps no release before release {live.number}, which is live.",
                f"Kept releases: {kept}. To go back further, deploy an older commit.",
            )
        return earlier[-1]
    wanted = found.history.find(number)
    if wanted is None:
        raise DeployError(
            f"Stage {stage.name!r} does not keep release {number}.",
            f"Kept releases: {kept}. To go back further, deploy an older commit.",
        )
    if wanted.number == live.number:
        raise DeployError(f"Release {number} of stage {stage.name!r} is live already.", f"Kept: {kept}.")
    return wanted


def _refuse_removed(stage: StageConfig, found: DeployedState, wanted: Release) -> None:
    gone = sorted(handler for handler, version in wanted.versions.items() if version not in found.resources)
    if gone:
        raise DeployError(
            f"Release {wanted.number} of stage {stage.name!r} has handlers that were removed since: {', '.join(gone)}.",
            "Deploy its commit to bring the handlers back.",
        )


def _refuse_destructive(stage: StageConfig, clients: Clients, found: DeployedState, wanted: Release) -> str:
    """Refuses a rollback past a destructive migration; returns why Pocket could not compare, or "".

    Releases record the migrations that their deploy applied. A migration may also have been applied by hand, or for a
    release that a gate refused afterwards, so the migrations in the code of both releases are compared, too.
    """
    live = found.history.live_release
    if live is None or wanted.number > live.number:
        return ""
    between = [item for item in found.history.releases if wanted.number < item.number <= live.number]
    named = [name for release in between for name in release.destructive]
    unknown = ""
    if not named:
        try:
            named = _unrecorded(stage, clients, live, wanted)
        except CommandFailed as error:
            unknown = error.message
    if named:
        raise DeployError(
            f"Release {wanted.number} of stage {stage.name!r} may not work with the database as it is now:"
            f" destructive migrations were applied after it: {', '.join(dict.fromkeys(named))}.",
            "Deploy code that works with the database as it is now, or migrate back first (`pocket manage`), if nothing"
            " was lost, and deploy the older commit.",
        )
    return unknown


def _unrecorded(stage: StageConfig, clients: Clients, live: Release, wanted: Release) -> list[str]:
    """The destructive migrations in the live release and not in the wanted one. Raises CommandFailed if unknown."""
    handler = stage.command_handler or ""
    for release in (live, wanted):
        if handler not in release.versions:
            raise CommandFailed(f"Release {release.number} has no handler for management commands.")
    number = numbers(clients, stage.stack_name)
    known = migrations.known(stage, clients.target, number[wanted.versions[handler]])
    beyond = migrations.beyond(stage, clients.target, number[live.versions[handler]], known)
    return [item.name for item in beyond if item.reasons]


def _confirm_uncompared(reporter: Reporter, live: Release, wanted: Release, why: str, *, uncompared: bool) -> None:
    reporter.note(f"The migrations of releases {live.number} and {wanted.number} could not be compared: {why}")
    if uncompared or reporter.confirm(
        f"Go back to release {wanted.number}, although it may not work with the database as it is now?", grave=True
    ):
        return
    raise PlanRefused(
        f"Release {live.number} stays live: Pocket could not find out whether release {wanted.number} works with the"
        f" database as it is now. {why}",
        "`--uncompared` goes back without a question; `--yes` does not.",
    )
