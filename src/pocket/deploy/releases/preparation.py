"""The first changes of a deploy: both stacks and the secrets, planned, shown, confirmed and carried out."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pocket.deploy.build import upload
from pocket.deploy.build.limits import megabytes
from pocket.deploy.releases import journal, stored
from pocket.deploy.releases.changes import Changes, show
from pocket.deploy.releases.run import Progress
from pocket.deploy.releases.saved_plan import SavedPlan, digest
from pocket.deploy.stacks import losses, ownership, secrets
from pocket.deploy.stacks.bucket import exists
from pocket.deploy.stacks.plan import pending_changes
from pocket.deploy.stacks.tags import retagging
from pocket.deploy.template import render
from pocket.deploy.template.costs import cost_changes
from pocket.deploy.template.permission_changes import permission_changes
from pocket.deploy.template.replacement import refuse_stale
from pocket.deploy.template.setting_changes import variable_changes
from pocket.deploy.template.storage import storage_stack_name
from pocket.deploy.template.storage_steps import buckets, buckets_ever, storage_settled
from pocket.errors import DeployError, PlanRefused, StackFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.deploy.releases.history import History
    from pocket.deploy.releases.run import Run
    from pocket.deploy.stacks.plan import Planned
    from pocket.deploy.stacks.secrets import Generation
    from pocket.deploy.stacks.stack import State
    from pocket.deploy.template import Template


@dataclass(frozen=True)
class FirstChanges:
    """The templates of a deploy's first changes, for both stacks.

    `last` is the template that the deploy ends with; None if that is `main`, since the live release stays. `history`
    has the releases that are kept meanwhile.
    """

    storage: Template
    main: Template
    history: History
    last: dict[str, Any] | None = None

    @property
    def end(self) -> dict[str, Any]:
        """The template of the stage's stack at the end."""
        return self.main.body if self.last is None else self.last


@dataclass(frozen=True)
class Preparation:
    """The plans of both stacks and of the secrets, with all that the deploy changes, also after the gates."""

    storage: Planned
    main: Planned
    secrets: Generation
    shown: Changes

    @property
    def changes(self) -> bool:
        """Whether there is anything to confirm."""
        return bool(self.storage.changes or self.main.changes or self.secrets.changes or self.shown.rows)


def prepare(run: Run, begins: FirstChanges) -> Progress:
    """Makes the first changes of both stacks, once the user has confirmed.

    Raises PlanRefused if the user declines, or if the plan is another one than the only one that may be applied.
    """
    main = begins.main
    with run.reporter.step("Plan the changes"):
        plan = planned(run, begins)
    if run.options.plan is not None:
        run.options.plan.refuse_other(described(run, plan.shown))
    if plan.changes:
        _confirm(run, plan.shown)
    base = run.plans.carry_out(plan.storage)
    # Taken here if the lock's bucket has just been created.
    run.lock.take(run.bucket)
    run.journal.reached(journal.STORAGE)
    generated = secrets.carry_out(run.clients, run.stage, plan.secrets, run.reporter) if plan.secrets.changes else ()
    secrets.retag(run.clients, run.stage, retagging(run.main, run.stage.general.tags))
    run.journal.reached(journal.SECRETS)
    of_main = plan.main
    if of_main.changes:
        with run.reporter.step("Upload the artifact"):
            sent = upload.put_artifact(run.clients.s3, run.bucket, run.built)
        if 0 < sent < run.built.size:
            sizes = f"{megabytes(sent)} of {megabytes(run.built.size)}"
            run.reporter.note(f"Sent {sizes}; S3 copied the rest from an earlier artifact.")
    if of_main.deferred:
        of_main = run.plans.add(run.stage.stack_name, main, since=run.main, bucket=run.bucket)
    done = run.plans.carry_out(of_main)
    if done.stack is None:
        raise StackFailed(f"Stack {run.stage.stack_name} was not created.")
    return Progress(done, base, bool(plan.storage.changes or plan.main.changes or plan.secrets.changes), generated)


def planned(run: Run, begins: FirstChanges) -> Preparation:
    """The plan of the deploy. Raises PlanRefused for a template in which cfn-lint finds issues."""
    storage, main, end = begins.storage, begins.main, begins.end
    name = run.stage.stack_name
    if begins.last is not None:
        # AWS would refuse a bad template only after the gates, so check it before anything is changed.
        run.plans.validate(name, end, run.main.body)
    refuse_stale(run.main.body, end)
    adopt = _adopts(run, storage)
    base = run.plans.add(storage_stack_name(run.stage), storage, since=run.storage, adopt=adopt)
    bucket = run.bucket if run.storage.stack is not None else None
    plan = run.plans.add(name, main, since=run.main, bucket=bucket)
    settled = storage_settled(run.wanted_storage, storage.body)
    later = (*pending_changes(main.body, end), *pending_changes(storage.body, settled.body))
    handlers = run.stage.awscontainer.handlers if run.stage.awscontainer else ()
    shown = Changes(
        domains=run.lines,
        rows=(*run.first, *base.rows, *plan.rows, *later),
        secrets=tuple(_generated(run.generation)),
        settings=(
            *variable_changes(run.main.body, end, handlers),
            *stored.setting_changes(run),
        ),
        permissions=tuple(permission_changes(run.main.body, end, handlers)),
        cost=tuple(
            cost_changes(
                (run.main.body, run.storage.body),
                (end, settled.body),
                new_secrets=int(run.generation.is_new),
                first=run.first,
            )
        ),
        losses=(
            *losses.queued(run.clients, run.main.body, end),
            *losses.own_data(run.main.body, end),
            *losses.left_behind(run.clients, run.storage.body, settled.body),
            *losses.generated_again(run.generation),
            *_identity_warnings(run),
        ),
    )
    return Preparation(base, plan, run.generation, shown)


def _generated(generation: Generation) -> Iterator[str]:
    if generation.restores:
        yield f"the {generation.place}, scheduled for deletion, is restored."
    if generation.carried:
        yield f"{', '.join(generation.carried)}: copied to {generation.place}."
    if made := [name for name in generation.fresh if name not in generation.carried]:
        yield f"{', '.join(made)}: generated in {generation.place}."


def _adopts(run: Run, storage: Template) -> bool:
    """Whether the stack has to import a bucket of the stage that it no longer has.

    Raises DeployError for an existing bucket that Pocket did not create for this stage.
    """
    adopts = False
    for bucket in buckets(storage.body).values():
        if bucket in buckets(run.storage.body).values() or not exists(run.clients, bucket):
            continue
        if bucket not in buckets_ever(run.storage.body) and not ownership.owns_bucket(run.clients, run.stage, bucket):
            raise DeployError(
                f"Bucket {bucket} exists, but Pocket did not create it for stage {run.stage.name!r} of project"
                f" {run.stage.project_name!r}. Nothing was changed.",
                "Choose another `s3.bucket_name_format` in pocket.toml.",
            )
        adopts = True
    return adopts


def _identity_warnings(run: Run) -> Iterator[str]:
    """Signs that the stage's stack is another project's, or that the project's stage is another stack."""
    origin = run.origin
    if known := ownership.other_origin(run.main.stack, origin):
        yield (
            f"Stack {run.stage.stack_name} was deployed from another repository, or from another folder of this one:"
            f" {known}, not {origin}. If that is another project of the same name, this deploy replaces it."
        )
    if run.main.stack is None and (stack := ownership.under_another_name(run.clients, run.stage, origin)):
        yield (
            f"Stack {stack.name} is stage {run.stage.name!r} of this project under another `project_name`. It is not"
            " changed: this deploy creates a second stage, with other addresses, other generated secrets and an empty"
            " bucket, and every schedule runs twice."
        )


def _confirm(run: Run, changes: Changes) -> None:
    reporter, options = run.reporter, run.options
    show(changes, reporter)
    if changes.losses and not options.allow_loss:
        if reporter.confirm(f"Apply these changes to stage {run.stage.name}, despite the warnings?", grave=True):
            return
        raise PlanRefused(
            f"The plan was not confirmed; nothing was changed. {' '.join(changes.losses)}",
            "`--allow-loss` applies it without a question; `--yes` does not.",
        )
    if options.assume_yes or options.plan is not None:
        return
    if not reporter.confirm(f"Apply these changes to stage {run.stage.name}?"):
        raise PlanRefused("The plan was not confirmed; nothing was changed.", "Pass --yes to confirm.")


def described(run: Run, changes: Changes) -> SavedPlan:
    """The plan of a run, for a file."""
    # A value that a deploy generates is another one each time, as is its date. The template decodes a public key.
    fresh = {name: base64.b64encode(name.encode()).decode() for name in run.generation.fresh}
    known = {name: fresh.get(name, value) for name, value in run.inputs.secrets.items()}
    changed = "now" if run.generation.renews else run.inputs.secrets_changed
    wanted = render(replace(run.inputs, secrets=known, secrets_changed=changed))
    return SavedPlan(
        pocket=version("django-pocket"),
        project=run.stage.project_name,
        stage=run.stage.name,
        account=run.account,
        region=run.stage.region,
        artifact=run.built.sha256,
        templates=digest([wanted.body, run.wanted_storage.body]),
        static="" if run.built.static is None else upload.digest(run.built.static),
        state=digest([_identity(run.storage), _identity(run.main)]),
        changes=changes,
        live=run.before.history.live,
        git=run.made.revision.commit + "+" * run.made.revision.dirty,
        made=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def _identity(state: State) -> list[Any]:
    return [state.stack.stack_id if state.stack is not None else "", state.body]
