"""A deploy from beginning to end: gates, build, plan, confirmation, publication, gates again, `live`.

Nothing is changed before the plan is confirmed, except what `releases.planning` names. The storage stack is then the
first change, since code and static files must be in their buckets before a function refers to them and before `live`
serves pages that link to them.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from pocket.deploy import gates
from pocket.deploy.aws.session import Clients
from pocket.deploy.build import upload
from pocket.deploy.releases import distribution_certificate, domains
from pocket.deploy.releases.history import DeployedState, deployed_state
from pocket.deploy.releases.making import begun
from pocket.deploy.releases.planning import planning
from pocket.deploy.releases.rollout import roll_out
from pocket.deploy.releases.run import Deployed, Options
from pocket.deploy.stacks import previews
from pocket.deploy.stacks.ownership import own_state

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from contextlib import AbstractContextManager

    from pocket.config import Project, StageConfig
    from pocket.deploy.gates.migrations import Backup
    from pocket.deploy.releases.making import Make
    from pocket.deploy.releases.saved_plan import SavedPlan
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.target import Target

__all__ = ["Deployed", "deploy", "read", "release"]


def deploy(
    project: Project,
    stage: StageConfig,
    target: Target,
    reporter: Reporter,
    *,
    assume_yes: bool = False,
    skip_gates: Iterable[str] = (),
    required: Callable[[], Collection[str]] = tuple,
    allow_destructive: bool = False,
    allow_loss: bool = False,
    plan: SavedPlan | None = None,
    published: Callable[[Mapping[str, str]], None] | None = None,
    backup: Backup | None = None,
    making: AbstractContextManager[Make] | None = None,
) -> Deployed:
    """Deploys the stage; deploying the same project again changes nothing.

    `making` is `making.begun` of the project, where that has begun already.
    `required` is called once the artifact is made, for those of the gates to skip that it has to pass after all.
    With `plan`, that one is applied, or refused; only its losses are asked about. `backup` is offered before a
    destructive migration.
    `published` is called with the routes once they exist and `live` has moved, before the first request to an address.
    Raises ConfigError for configuration that this version does not deploy, PlanRefused if the user declines or
    cfn-lint finds issues, GateRefused if a gate refuses the release, StackFailed if CloudFormation rolled back a
    change, and DeployError if an unchanged release fails, something else is changing the stage, or a stack of its name
    is not the stage's.
    """
    options = Options(
        gates.named(skip_gates),
        allow_destructive,
        allow_loss,
        assume_yes,
        plan=plan,
        published=published,
        backup=backup,
        required=required,
    )
    with nullcontext(making) if making else begun(project, stage, target, reporter, options.skipped) as made:
        return release(project, stage, Clients(target), reporter, options=options, making=made)


def release(
    project: Project,
    stage: StageConfig,
    clients: Clients,
    reporter: Reporter,
    *,
    options: Options,
    making: AbstractContextManager[Make],
) -> Deployed:
    """Releases what is made in `making`. Raises as `deploy`."""
    with planning(project, stage, clients, reporter, options=options, making=making) as (run, found):
        done = roll_out(run)
        distribution_certificate.settle(stage, run.far, found, run.main.body)
        domains.remove_unused(clients, stage, run.main.body, done.body, reporter)
        if project.is_preview(stage.name):
            previews.record(clients, run.bucket)
        upload.prune_artifacts(clients.s3, run.bucket, {run.inputs.code.key, *done.history.artifacts})
    for line in domains.to_enter(stage, done.outputs, run.main.body):
        reporter.note(line)
    if not done.changed:
        reporter.note(f"Stage {stage.name} is up to date; nothing was changed.")
    return done


def read(clients: Clients, stage: StageConfig) -> DeployedState:
    """The deployed state of the stage; empty if it is not deployed. Raises DeployError while something changes it."""
    return deployed_state(stage, own_state(clients, stage, stage.stack_name).body)
