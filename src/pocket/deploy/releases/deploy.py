"""A deploy from beginning to end: gates, build, plan, confirm, publish, gates again, `live`.

Nothing is changed before the plan is confirmed. Then the storage stack comes first, since code and static files must
be in their buckets before a function names them and before `live` serves pages that link to them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pocket.config import build_manifest
from pocket.deploy import gates
from pocket.deploy.aws.account import account_id, place
from pocket.deploy.aws.session import Clients
from pocket.deploy.build import artifact, upload
from pocket.deploy.build.revision import revision
from pocket.deploy.gates import checks
from pocket.deploy.releases.history import Standing, standing
from pocket.deploy.releases.retention import prune_artifacts
from pocket.deploy.releases.rollout import Deployed, Options, Rollout
from pocket.deploy.stacks import secret_dates
from pocket.deploy.stacks.plan import Plans, deployed
from pocket.deploy.stacks.stack import find
from pocket.deploy.template import Code, Inputs, render_storage
from pocket.deploy.template.outputs import url_hosts
from pocket.deploy.template.storage import artifact_bucket_name
from pocket.deploy.template.validate import refuse_unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pocket.config import Project, StageConfig
    from pocket.deploy.reporting import Reporter
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
    published: Callable[[Mapping[str, str]], None] | None = None,
) -> Deployed:
    """Deploys the stage; the same project deployed again changes nothing.

    `published` is called with the routes once they stand and `live` has moved, before any address is asked. Raises
    ConfigError for what this version does not deploy, PlanRefused where the user declines or AWS's rules are broken,
    GateRefused where a gate does not let the release pass, StackFailed where CloudFormation took a change back,
    DeployError where what is deployed already does not start.
    """
    skipped = gates.named(skip_gates)
    refuse_unsupported(project, stage)
    clients = Clients(target)
    with reporter.step("Check the credentials"):
        account = account_id(clients)
    reporter.note(f"Stage {stage.name} goes to {place(clients, account)}.")
    before = read(clients, stage)
    warnings: frozenset[str] = frozenset()
    if gates.gate.PROJECT not in skipped:
        warnings = checks.check_project(project, stage, target, reporter, before.history.live)
    built = artifact.build(project, stage, target, reporter)
    bucket = artifact_bucket_name(stage, account)
    inputs = _inputs(project, stage, clients, Code(bucket, upload.artifact_key(built)))
    inputs = replace(inputs, secrets_changed=secret_dates.renewal(clients, stage, before.body, reporter))
    options = Options(skipped, allow_destructive, assume_yes, warnings, revision(project.directory), published)
    with Plans(clients, reporter) as plans:
        done = Rollout(plans, inputs, built, before, options).run(render_storage(stage, account))
    prune_artifacts(clients, bucket, {inputs.code.key, *done.history.artifacts})
    if not done.changed:
        reporter.note(f"Stage {stage.name} is as the project describes it; nothing was changed.")
    return done


def read(clients: Clients, stage: StageConfig) -> Standing:
    """The stage as it is deployed; empty where it is not."""
    stack = find(clients, stage.stack_name)
    return standing(stage, deployed(clients, stack if stack is not None and stack.usable else None))


def _inputs(project: Project, stage: StageConfig, clients: Clients, code: Code) -> Inputs:
    """What the template is made of; hosts of function URLs come from the stack that stands."""
    existing = find(clients, stage.stack_name)
    return Inputs(
        config=stage,
        manifest=build_manifest(project).stages[stage.name],
        code=code,
        addresses=clients.target.addresses,
        url_hosts=url_hosts(stage, existing.outputs) if existing is not None else {},
        environment=clients.target.environment,
    )
