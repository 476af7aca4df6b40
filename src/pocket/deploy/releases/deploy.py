"""A deploy from beginning to end: gates, build, plan, confirmation, publication, gates again, `live`.

Nothing is changed before the plan is confirmed, except what `releases.planning` names. The storage stack is then the
first change, since code and static files must be in their buckets before a function refers to them and before `live`
serves pages that link to them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pocket.deploy import gates
from pocket.deploy.aws.session import Clients
from pocket.deploy.build import artifact, upload
from pocket.deploy.build.revision import revision
from pocket.deploy.gates import checks
from pocket.deploy.releases import distribution_certificate, domains
from pocket.deploy.releases.history import DeployedState, deployed_state
from pocket.deploy.releases.planning import planning
from pocket.deploy.releases.rollout import roll_out
from pocket.deploy.releases.run import Deployed, Made, Options
from pocket.deploy.stacks import previews
from pocket.deploy.stacks.ownership import own_state

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from pocket.config import Project, StageConfig
    from pocket.deploy.build.snapshot import Snapshot
    from pocket.deploy.gates.migrations import Backup
    from pocket.deploy.releases.history import Release
    from pocket.deploy.releases.planning import Make
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
) -> Deployed:
    """Deploys the stage; deploying the same project again changes nothing.

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
    making = made_here(project, stage, target, reporter, options.skipped)
    return release(project, stage, Clients(target), reporter, options=options, making=making)


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


@contextmanager
def made_here(
    project: Project, stage: StageConfig, target: Target, reporter: Reporter, skipped: Collection[str]
) -> Iterator[Make]:
    """What makes the artifact of the project in its folder. The build, which changes nothing in AWS, begins at once.

    The gate `project` judges each artifact before anything else is done with it. Only that of the live release, in the
    same environment, it has judged already.
    """
    with artifact.begin(project, stage, target, reporter) as build:
        judges, proof = gates.gate.PROJECT not in skipped, checks.proof(stage, target)

        def make(live: Release | None, examine: Callable[[], None]) -> Made:
            def judge(files: Snapshot) -> frozenset[str]:
                number = None if live is None else live.number
                return checks.check_project(project, stage, target, reporter, number, files=files.files)

            known = live if live is not None and live.proof == proof else None
            early = build.taken() if judges and (known is None or build.looks_changed()) else None
            # Beside the build, where it is needed for all that can be known.
            warnings = frozenset() if early is None else judge(early)
            examine()
            built, files = build.finish(), build.taken()
            if judges and early is None and known is not None and known.artifact == upload.artifact_key(built):
                reporter.note(f"Gate {gates.gate.PROJECT}: the artifact is that of release {known.number}.")
                proved = True
            else:
                if judges and early is not files:
                    warnings = judge(files)
                # A file that was saved meanwhile may have been judged with other content than is packed.
                proved = judges and not files.has_changed()
            # The rest of a deploy may wait for an answer, a cluster or a distribution.
            build.close()
            return Made(built, revision(project.directory), warnings, proof if proved else "")

        yield make


def read(clients: Clients, stage: StageConfig) -> DeployedState:
    """The deployed state of the stage; empty if it is not deployed. Raises DeployError while something changes it."""
    return deployed_state(stage, own_state(clients, stage, stage.stack_name).body)
