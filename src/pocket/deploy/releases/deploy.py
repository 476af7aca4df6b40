"""A deploy from beginning to end: gates, build, plan, confirmation, publication, gates again, `live`.

Nothing is changed before the plan is confirmed. A missing Aurora cluster or Neon branch is confirmed and created before
that, since the functions' environment has its address. The storage stack is then the first change, since code and
static files must be in their buckets before a function refers to them and before `live` serves pages that link to them.
The deployed state is read after the build, under the stage's lock, and compared before each change.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from pocket.config import build_manifest
from pocket.deploy import gates
from pocket.deploy.aws.account import account_id, place
from pocket.deploy.aws.session import Clients
from pocket.deploy.build import artifact, own_resources, upload
from pocket.deploy.build.revision import origin, revision
from pocket.deploy.gates import checks, mail, network
from pocket.deploy.releases import distribution_certificate, domains
from pocket.deploy.releases.history import DeployedState, History, deployed_state
from pocket.deploy.releases.journal import Journal
from pocket.deploy.releases.rollout import roll_out
from pocket.deploy.releases.run import Deployed, Options, Run
from pocket.deploy.stacks import cluster, neon, secret_dates, secrets
from pocket.deploy.stacks.lock import Lock
from pocket.deploy.stacks.ownership import own_state
from pocket.deploy.stacks.plan import Plans
from pocket.deploy.stacks.stack import State
from pocket.deploy.template import Code, Inputs, render_storage
from pocket.deploy.template.cdn import DISTRIBUTION
from pocket.deploy.template.certificate import REGION
from pocket.deploy.template.marks import marks
from pocket.deploy.template.outputs import distribution_id, url_hosts
from pocket.deploy.template.storage import artifact_bucket_name, storage_stack_name
from pocket.deploy.template.validate import refuse_unsupported
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pocket.config import Project, StageConfig
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.secrets import Generation
    from pocket.deploy.target import Target

__all__ = ["Deployed", "deploy", "read"]


def deploy(
    project: Project,
    stage: StageConfig,
    target: Target,
    reporter: Reporter,
    *,
    assume_yes: bool = False,
    skip_gates: Iterable[str] = (),
    allow_destructive: bool = False,
    allow_loss: bool = False,
    published: Callable[[Mapping[str, str]], None] | None = None,
) -> Deployed:
    """Deploys the stage; deploying the same project again changes nothing.

    `published` is called with the routes once they exist and `live` has moved, before the first request to an address.
    Raises ConfigError for configuration that this version does not deploy, PlanRefused if the user declines or
    cfn-lint finds issues, GateRefused if a gate refuses the release, StackFailed if CloudFormation rolled back a
    change, and DeployError if an unchanged release fails, something else is changing the stage, or a stack of its name
    is not the stage's.
    """
    skipped = gates.named(skip_gates)
    refuse_unsupported(project, stage)
    clients = Clients(target)
    with reporter.step("Check the credentials"):
        account = account_id(clients)
    reporter.note(f"Deploying stage {stage.name} to {place(clients, account)}.")
    bucket = artifact_bucket_name(stage, account)
    with Journal(reporter) as journal, Lock(clients, stage.name, "deploy", reporter) as lock:
        seen = _states(clients, stage, lock, bucket, take=False)[1]
        found = domains.examine(project, stage, clients, seen.body, reporter, assume_yes=assume_yes)
        warnings: frozenset[str] = frozenset()
        attached: tuple[str, ...] = ()
        # The build changes nothing in AWS, so it runs beside the gates that are before it.
        with artifact.begin(project, stage, target, reporter) as build:
            if gates.gate.PROJECT not in skipped:
                warnings = checks.check_project(project, stage, target, reporter, _history(stage, seen).live)
            if gates.gate.MAIL not in skipped:
                mail.check(clients, stage, reporter, _history(stage, seen).live)
            if gates.gate.NETWORK not in skipped:
                attached = network.check(
                    project, stage, clients, reporter, deployed=seen.body, live=_history(stage, seen).live
                )
            built = build.finish()
        storage, main = _states(clients, stage, lock, bucket, take=True)
        _note_change(stage, reporter, seen, main)
        source = origin(project.directory)
        commit = revision(project.directory)
        options = Options(skipped, allow_destructive, allow_loss, assume_yes, warnings, commit, source, published)
        generation = _generation(clients, stage, main, reporter, assume_yes=assume_yes)
        url = neon.ensure(clients, stage, generation.existing, reporter, assume_yes=assume_yes)
        renewed = secret_dates.renewal(clients, stage, main.body, reporter)
        if url.keys() & generation.existing.keys():
            renewed = secret_dates.text(datetime.now(UTC))
        generation = replace(generation, fresh={**generation.fresh, **url})
        inputs = replace(
            _inputs(project, stage, clients, Code(bucket, upload.artifact_key(built)), main),
            zones=found.zones,
            certificates=found.certificates,
            secrets_changed=renewed,
            secrets=generation.of_distribution(),
            cluster=cluster.ensure(clients, stage, reporter, assume_yes=assume_yes),
        )
        planning = partial(
            Plans, reporter=reporter, tags=marks(stage, source), own_tags=stage.general.tags, allowed=lock.check
        )
        with planning(clients) as plans, planning(clients.in_region(REGION)) as far:
            arns = distribution_certificate.issued(stage, far, found, assume_yes=assume_yes)
            inputs = replace(inputs, certificates={**inputs.certificates, **arns})
            wanted = render_storage(stage, account, distribution_id(main.stack.outputs if main.stack else {}))
            run = Run(
                plans=plans,
                lock=lock,
                journal=journal,
                built=built,
                wanted_storage=wanted,
                main=main,
                storage=storage,
                options=options,
                stage=stage,
                bucket=bucket,
                account=account,
                generation=generation,
                lines=(*attached, *found.lines, *_waits(stage, main)),
            )
            done = roll_out(run, inputs)
            distribution_certificate.settle(stage, far, found, main.body)
        domains.remove_unused(clients, stage, main.body, done.body, reporter)
        upload.prune_artifacts(clients.s3, bucket, {inputs.code.key, *done.history.artifacts})
    for line in domains.to_enter(stage, done.outputs, main.body):
        reporter.note(line)
    if not done.changed:
        reporter.note(f"Stage {stage.name} is up to date; nothing was changed.")
    return done


def read(clients: Clients, stage: StageConfig) -> DeployedState:
    """The deployed state of the stage; empty if it is not deployed. Raises DeployError while something changes it."""
    return deployed_state(stage, own_state(clients, stage, stage.stack_name).body)


def _states(clients: Clients, stage: StageConfig, lock: Lock, bucket: str, *, take: bool) -> tuple[State, State]:
    """The states of the storage stack and of the stage's stack.

    The lock is in the storage stack's bucket. If that exists, the lock is taken, or only checked, before the stage's
    stack is read.
    """
    storage = own_state(clients, stage, storage_stack_name(stage))
    if storage.stack is not None:
        if take:
            lock.take(bucket)
        else:
            lock.refuse_held(bucket)
    return storage, own_state(clients, stage, stage.stack_name)


def _generation(
    clients: Clients, stage: StageConfig, main: State, reporter: Reporter, *, assume_yes: bool
) -> Generation:
    """What the stage's generated secrets lack. Where a template needs their values, a deleted store is restored now.

    Raises PlanRefused where the user declines that.
    """
    live = _history(stage, main).live_release
    found = secrets.plan(clients, stage, live)
    if not found.restores or stage.cdn_handler is None:
        return found
    question = f"The {found.place} of stage {stage.name} is scheduled for deletion. Restore it?"
    if assume_yes or reporter.confirm(question):
        return secrets.restored(clients, stage, live, reporter)
    raise PlanRefused("Nothing was changed.", "Pass --yes to restore it without being asked.")


def _waits(stage: StageConfig, main: State) -> Iterator[str]:
    """What stands in the plan for a distribution that does not exist yet."""
    if stage.cdn_handler is not None and DISTRIBUTION not in (main.body.get("Resources") or {}):
        yield "CloudFront takes some minutes to create the distribution."


def _history(stage: StageConfig, found: State) -> History:
    return deployed_state(stage, found.body).history


def _note_change(stage: StageConfig, reporter: Reporter, seen: State, now: State) -> None:
    before, after = _history(stage, seen).live, _history(stage, now).live
    if before != after:
        old, new = (f"release {number}" if number is not None else "none" for number in (before, after))
        reporter.note(f"During the build, the live release of stage {stage.name} changed from {old} to {new}.")


def _inputs(project: Project, stage: StageConfig, clients: Clients, code: Code, main: State) -> Inputs:
    """The template's inputs; hosts of function URLs come from the deployed stack."""
    return Inputs(
        config=stage,
        manifest=build_manifest(project).stages[stage.name],
        code=code,
        addresses=clients.target.addresses,
        url_hosts=url_hosts(stage, main.stack.outputs) if main.stack is not None else {},
        environment=clients.target.environment,
        own=json.loads(json.dumps(own_resources.read(stage), default=str)),
    )
