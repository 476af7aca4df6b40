"""From the user's project to the plan of a deploy: what is deployed, what is wanted, and what has to be known for it.

A missing Aurora cluster or Neon branch, and the certificate of a distribution, are confirmed and created here, before
the plan, since templates need names of theirs that others choose; a deploy that only looks, or that may apply one plan
only, makes none of them. The deployed state is read after the build, under the stage's lock, and compared before each
change.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from pocket.config import build_manifest
from pocket.deploy import gates
from pocket.deploy.aws.account import account_id, place
from pocket.deploy.aws.session import Clients
from pocket.deploy.build import own_resources, upload
from pocket.deploy.build.revision import origin
from pocket.deploy.gates import mail, network
from pocket.deploy.releases import distribution_certificate, domains
from pocket.deploy.releases.history import History, deployed_state
from pocket.deploy.releases.journal import Journal
from pocket.deploy.releases.run import Options, Run
from pocket.deploy.reporting import PlanRow
from pocket.deploy.stacks import aurora, neon, previews, secret_dates, secrets
from pocket.deploy.stacks.lock import Lock
from pocket.deploy.stacks.ownership import own_state, recovered_state
from pocket.deploy.stacks.plan import Plans
from pocket.deploy.stacks.stack import State
from pocket.deploy.template import Code, Inputs, render_storage
from pocket.deploy.template.cdn import DISTRIBUTION
from pocket.deploy.template.certificate import REGION
from pocket.deploy.template.marks import marks
from pocket.deploy.template.outputs import distribution_id, url_hosts
from pocket.deploy.template.storage import artifact_bucket_name, storage_stack_name
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pocket.config import Project, StageConfig
    from pocket.config.tables.database import IamAccess
    from pocket.deploy.releases.domains import Domains
    from pocket.deploy.releases.making import Make
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.secrets import Generation


@contextmanager
def planning(
    project: Project,
    stage: StageConfig,
    clients: Clients,
    reporter: Reporter,
    *,
    options: Options,
    making: AbstractContextManager[Make],
) -> Iterator[tuple[Run, Domains]]:
    """Everything up to the plan of the stage's stacks, of what is made in `making`: the run, and the stage's domains.

    Raises as `deploy`.
    """
    with reporter.step("Check the credentials"):
        account = account_id(clients)
    with (
        making as make,
        Journal(reporter) as journal,
        Lock(clients, stage.name, options.command, reporter) as lock,
    ):
        verb = "Planning" if options.looks else "Deploying"
        reporter.note(f"{verb} stage {stage.name} to {place(clients, account)}.")
        bucket = artifact_bucket_name(stage, account)
        read: Callable[[str], State] = partial(own_state, clients, stage)
        repairing = partial(recovered_state, clients, stage, reporter=reporter, assume_yes=options.assume_yes)
        seen = _states(read if options.careful else repairing, stage, lock, bucket, take=False)[1]
        if seen.stack is None:
            previews.refuse_beyond_limit(clients, project, stage)
        found = domains.examine(project, stage, clients, seen.body, reporter, options=options)
        attached: list[str] = []
        released = _history(stage, seen).live_release
        live = None if released is None else released.number

        def examine() -> None:
            if gates.gate.MAIL not in options.skipped:
                mail.check(clients, stage, reporter, live)
            if gates.gate.NETWORK not in options.skipped:
                attached.extend(network.check(project, stage, clients, reporter, deployed=seen.body, live=live))

        made = make(released, examine)
        options = replace(options, skipped=options.skipped.difference(options.required()))
        storage, main = _states(read, stage, lock, bucket, take=not options.looks)
        _note_change(stage, reporter, seen, main)
        source = origin(project.directory)
        generation, renewed, branch = _secrets(clients, stage, main, reporter, options)
        access, first = _cluster(clients, stage, reporter, options)
        inputs = replace(
            _inputs(project, stage, clients, Code(bucket, upload.artifact_key(made.artifact)), main),
            zones=found.zones,
            certificates=found.certificates,
            secrets_changed=renewed,
            secrets=generation.of_distribution(),
            cluster=access,
        )
        planner = partial(
            Plans,
            reporter=reporter,
            tags=marks(stage, source),
            own_tags=stage.general.tags,
            allowed=lock.check,
            looks=options.looks,
        )
        with planner(clients) as plans, planner(clients.in_region(REGION)) as far:
            arns, rows = distribution_certificate.issued(stage, far, found, options)
            inputs = replace(inputs, certificates={**inputs.certificates, **arns})
            wanted = render_storage(stage, account, distribution_id(main.stack.outputs if main.stack else {}))
            run = Run(
                plans=plans,
                far=far,
                lock=lock,
                journal=journal,
                made=made,
                wanted_storage=wanted,
                main=main,
                storage=storage,
                options=options,
                stage=stage,
                bucket=bucket,
                account=account,
                generation=generation,
                inputs=inputs,
                origin=source,
                lines=(*attached, *found.lines, *_waits(stage, main)),
                first=tuple(replace(row, early=True) for row in (*first, *branch, *rows)),
            )
            yield run, found


def _states(
    read: Callable[[str], State], stage: StageConfig, lock: Lock, bucket: str, *, take: bool
) -> tuple[State, State]:
    """The states of the storage stack and of the stage's stack, as `read` gives them by name.

    The lock is in the storage stack's bucket. If that exists, the lock is taken, or only checked, before the stage's
    stack is read.
    """
    storage = read(storage_stack_name(stage))
    if storage.stack is not None:
        if take:
            lock.take(bucket)
        else:
            lock.refuse_held(bucket)
    return storage, read(stage.stack_name)


def _secrets(
    clients: Clients, stage: StageConfig, main: State, reporter: Reporter, options: Options
) -> tuple[Generation, str, tuple[PlanRow, ...]]:
    """What goes into the store of secrets, their date as `secret_dates.renewal`, and the row of a missing branch."""
    generation = _generation(clients, stage, main, reporter, options)
    url, rows = _branch(clients, stage, generation, reporter, options)
    renewed = secret_dates.renewal(clients, stage, main.body, reporter)
    if generation.renews or url.keys() & generation.existing.keys():
        renewed = secret_dates.text(datetime.now(UTC))
    return replace(generation, fresh={**generation.fresh, **url}), renewed, rows


def _generation(clients: Clients, stage: StageConfig, main: State, reporter: Reporter, options: Options) -> Generation:
    """What the stage's generated secrets lack. Where a template needs their values, a deleted store is restored now.

    Raises PlanRefused where the user declines that.
    """
    live = _history(stage, main).live_release
    found = secrets.plan(clients, stage, live)
    if not found.restores or (stage.cdn_handler is None and stage.branch_name is None):
        return found
    question = f"The {found.place} of stage {stage.name} is scheduled for deletion. Restore it?"
    if options.careful:
        raise PlanRefused(
            f"The {found.place} of stage {stage.name!r} is scheduled for deletion. Templates need its values, so"
            " there is no plan before it is restored.",
            f"A deploy without a plan restores it: pocket deploy --stage {stage.name}",
        )
    if options.assume_yes or reporter.confirm(question):
        return secrets.restored(clients, stage, live, reporter)
    raise PlanRefused("Nothing was changed.", "Pass --yes to restore it without being asked.")


def _cluster(
    clients: Clients, stage: StageConfig, reporter: Reporter, options: Options
) -> tuple[IamAccess | None, tuple[PlanRow, ...]]:
    """The access to the stage's cluster, and a row where that is missing and nothing may be made before the plan."""
    name = stage.cluster_name
    if not options.careful:
        return aurora.ensure(clients, stage, reporter, assume_yes=options.assume_yes), ()
    existing = aurora.of_stage(clients, stage)
    if existing is not None and existing.host:
        return existing.access, ()
    if name is None or stage.database_variable in clients.target.environment:
        return None, ()
    row = PlanRow("add", name, aurora.KIND, "created before the stack; its host is not known yet")
    return aurora.UNKNOWN, (row,)


def _branch(
    clients: Clients, stage: StageConfig, generation: Generation, reporter: Reporter, options: Options
) -> tuple[dict[str, str], tuple[PlanRow, ...]]:
    """The variable of the stage's Neon branch as `neon.ensure`, or a row as `_cluster`."""
    known = {**generation.existing, **generation.fresh}
    if not options.careful:
        return neon.ensure(clients, stage, known, reporter, assume_yes=options.assume_yes), ()
    row = neon.expected(clients, stage, known)
    return {}, () if row is None else (row,)


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
