"""A deploy from beginning to end: build, plan, confirm, apply, ask the address once.

Nothing is changed before the plan is confirmed. Then the storage stack comes first, since code and static files must
be in their buckets before a function names them and before `live` serves pages that link to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pocket.config import build_manifest
from pocket.deploy import artifact, secrets, smoke, upload
from pocket.deploy.account import account_id, place
from pocket.deploy.aws.session import Clients
from pocket.deploy.plan import Plans
from pocket.deploy.retention import prune_artifacts
from pocket.deploy.stack import find
from pocket.deploy.template import Code, Inputs, render, render_storage
from pocket.deploy.template.outputs import addresses, routes, url_hosts
from pocket.deploy.template.storage import artifact_bucket_name, storage_stack_name
from pocket.deploy.validate import refuse_unsupported
from pocket.errors import PlanRefused, StackFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pocket.config import Project, StageConfig
    from pocket.deploy.artifact import Artifact
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stack import Stack
    from pocket.deploy.target import Target
    from pocket.deploy.template import Template


@dataclass(frozen=True)
class Deployed:
    """What stands after a deploy. `addresses` and `routes` go by handler, `outputs` by the stack's own names.

    A route is the id of the handler's HTTP API or function URL. `generated` names the variables whose secrets were
    generated on the way.
    """

    changed: bool
    addresses: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    generated: tuple[str, ...] = ()


def deploy(
    project: Project,
    stage: StageConfig,
    target: Target,
    reporter: Reporter,
    *,
    assume_yes: bool = False,
    published: Callable[[Mapping[str, str]], None] | None = None,
) -> Deployed:
    """Deploys the stage; the same project deployed again changes nothing.

    `published` is called with the routes once they stand, before any address is asked. Raises ConfigError for what
    this version does not deploy, PlanRefused where the user declines or AWS's rules are broken, StackFailed where
    CloudFormation took the change back, DeployError where what was deployed does not start.
    """
    refuse_unsupported(project, stage)
    clients = Clients(target)
    with reporter.step("Check the credentials"):
        account = account_id(clients)
    reporter.note(f"Stage {stage.name} goes to {place(clients, account)}.")
    built = artifact.build(project, stage, target, reporter)
    bucket = artifact_bucket_name(stage, account)
    inputs = _inputs(project, stage, clients, Code(bucket, upload.artifact_key(built)))
    with Plans(clients, reporter) as plans:
        done = _apply(plans, inputs, render_storage(stage, account), built, assume_yes=assume_yes)
        if published is not None:
            published(done.routes)
        done = _tell_url_hosts(plans, inputs, done)
    prune_artifacts(clients, bucket, inputs.code.key)
    with reporter.step("Ask each address once"):
        for handler, address in done.addresses.items():
            smoke.check(clients, stage, handler, address, reporter)
    if not done.changed:
        reporter.note(f"Stage {stage.name} is as the project describes it; nothing was changed.")
    return done


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


def _apply(plans: Plans, inputs: Inputs, storage_template: Template, built: Artifact, *, assume_yes: bool) -> Deployed:
    """Plans both stacks, asks, and carries both plans out, with what has to happen between them."""
    stage, bucket, clients, reporter = inputs.config, inputs.code.bucket, plans.clients, plans.reporter
    template = render(inputs)
    with reporter.step("Plan the changes"):
        storage = plans.add(storage_stack_name(stage), storage_template, adopt=True)
        main = plans.add(stage.stack_name, template, bucket=bucket if storage.existing is not None else None)
    if storage.changes or main.changes:
        reporter.plan([*storage.rows, *main.rows])
        if not assume_yes and not reporter.confirm(f"Apply these changes to stage {stage.name}?"):
            raise PlanRefused("The plan was not confirmed; nothing was changed.", "--yes applies it without asking.")
    plans.carry_out(storage)
    generated = secrets.ensure(clients, stage, reporter)
    uploaded = _upload(plans, inputs, built, with_code=main.changes)
    if main.deferred:
        main = plans.add(stage.stack_name, template, bucket=bucket)
    stack = plans.carry_out(main)
    if stack is None:
        raise StackFailed(f"Stack {stage.stack_name} was not created.")
    changed = bool(storage.changes or main.changes or generated or uploaded)
    return _deployed(stage, stack, changed=changed, generated=generated)


def _upload(plans: Plans, inputs: Inputs, built: Artifact, *, with_code: bool) -> int:
    """Puts the artifact, if it is about to be used, and the static files into their buckets; how many files changed."""
    s3, reporter = plans.clients.s3, plans.reporter
    if with_code:
        with reporter.step("Upload the artifact"):
            upload.put_artifact(s3, inputs.code.bucket, built)
    bucket = inputs.config.bucket_name
    if built.static is None or bucket is None:
        return 0
    return upload.put_static(s3, bucket, built.static, reporter).uploaded


def _tell_url_hosts(plans: Plans, inputs: Inputs, done: Deployed) -> Deployed:
    """Deploys once more where AWS has just invented the host of a function URL, so that functions know it."""
    stage = inputs.config
    learned = url_hosts(stage, done.outputs)
    if all(name in inputs.addresses or inputs.url_hosts.get(name) == host for name, host in learned.items()):
        return done
    plans.reporter.note("AWS has made a function URL; now the functions are told its host.")
    stack = plans.carry_out(
        plans.add(stage.stack_name, render(replace(inputs, url_hosts=learned)), bucket=inputs.code.bucket)
    )
    return done if stack is None else _deployed(stage, stack, changed=True, generated=done.generated)


def _deployed(stage: StageConfig, stack: Stack, *, changed: bool, generated: tuple[str, ...]) -> Deployed:
    outputs = stack.outputs
    return Deployed(changed, addresses(stage, outputs), outputs, routes(stage, outputs), generated)
