"""The first changes of a deploy: both stacks and the secrets, planned, shown, confirmed and carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.deploy.build import upload
from pocket.deploy.build.artifact import megabytes
from pocket.deploy.releases import journal
from pocket.deploy.releases.run import Progress
from pocket.deploy.stacks import losses, ownership, secrets
from pocket.deploy.stacks.bucket import exists
from pocket.deploy.stacks.plan import pending_changes
from pocket.deploy.stacks.tags import retagging
from pocket.deploy.template.permission_changes import permission_changes
from pocket.deploy.template.replacement import refuse_stale
from pocket.deploy.template.storage import storage_stack_name
from pocket.deploy.template.storage_steps import buckets, buckets_ever, storage_settled
from pocket.errors import DeployError, PlanRefused, StackFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.deploy.releases.run import Run
    from pocket.deploy.reporting import PlanRow
    from pocket.deploy.stacks.plan import Planned
    from pocket.deploy.stacks.secrets import Generation
    from pocket.deploy.template import Template


@dataclass(frozen=True)
class Preparation:
    """The plans of both stacks and of the secrets; `later` has the changes after the gates."""

    storage: Planned
    main: Planned
    secrets: Generation
    later: tuple[PlanRow, ...]
    losses: tuple[str, ...]
    permissions: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether there is anything to confirm."""
        return bool(self.storage.changes or self.main.changes or self.secrets.changes or self.later)


def prepare(run: Run, storage: Template, main: Template, last: dict[str, Any] | None = None) -> Progress:
    """Brings the storage stack to `storage` and the stage's stack to `main`, once the user has confirmed.

    `last` is the template that the deploy ends with; None if that is `main`. Raises PlanRefused if the user declines.
    """
    with run.reporter.step("Plan the changes"):
        plan = _planned(run, storage, main, last)
    if plan.changes:
        _confirm(run, plan)
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
    return Progress(done, base, bool(plan.storage.changes or plan.main.changes or generated), generated)


def _planned(run: Run, storage: Template, main: Template, last: dict[str, Any] | None) -> Preparation:
    name, end = run.stage.stack_name, main.body if last is None else last
    if last is not None:
        # AWS would refuse a bad template only after the gates, so check it before anything is changed.
        run.plans.validate(name, last, run.main.body)
    refuse_stale(run.main.body, end)
    adopt = _adopts(run, storage)
    base = run.plans.add(storage_stack_name(run.stage), storage, since=run.storage, adopt=adopt)
    bucket = run.bucket if run.storage.stack is not None else None
    plan = run.plans.add(name, main, since=run.main, bucket=bucket)
    settled = storage_settled(run.wanted_storage, storage.body)
    lost = [
        *losses.queued(run.clients, run.main.body, end),
        *losses.own_data(run.main.body, end),
        *losses.left_behind(run.clients, run.storage.body, settled.body),
        *losses.generated_again(run.generation),
        *_identity_warnings(run),
    ]
    later = (*pending_changes(main.body, end), *pending_changes(storage.body, settled.body))
    granted = permission_changes(run.main.body, end, run.stage.awscontainer.handlers if run.stage.awscontainer else ())
    return Preparation(base, plan, run.generation, later, tuple(lost), tuple(granted))


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
    origin = run.options.origin
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


def _confirm(run: Run, plan: Preparation) -> None:
    reporter, options = run.reporter, run.options
    for line in run.lines:
        reporter.note(line)
    reporter.plan([*plan.storage.rows, *plan.main.rows, *plan.later])
    if plan.secrets.carried:
        reporter.note(f"{', '.join(plan.secrets.carried)}: copied to {plan.secrets.place}.")
    if made := [name for name in plan.secrets.fresh if name not in plan.secrets.carried]:
        reporter.note(f"{', '.join(made)}: generated in {plan.secrets.place}.")
    for sentence in plan.permissions:
        reporter.note(f"Permission: {sentence}")
    for sentence in plan.losses:
        reporter.note(f"Warning: {sentence}")
    if plan.losses and not options.allow_loss:
        if reporter.confirm(f"Apply these changes to stage {run.stage.name}, despite the warnings?", grave=True):
            return
        raise PlanRefused(
            f"The plan was not confirmed; nothing was changed. {' '.join(plan.losses)}",
            "`--allow-loss` applies it without a question; `--yes` does not.",
        )
    if options.assume_yes or reporter.confirm(f"Apply these changes to stage {run.stage.name}?"):
        return
    raise PlanRefused("The plan was not confirmed; nothing was changed.", "Pass --yes to confirm.")
