"""The removal of a stage: functions first, then the buckets with their objects, then the generated secrets.

Only resources recorded as the stage's are removed: stacks by their tags, buckets by their stack's resources, secrets by
the record in their store. Names in today's pocket.toml do not decide. Parts that are already gone are skipped, so an
interrupted removal can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from pocket.deploy.aws.account import account_id, place
from pocket.deploy.aws.session import Clients
from pocket.deploy.releases.history import deployed_state
from pocket.deploy.stacks import aurora, bucket, certificates, neon, ownership
from pocket.deploy.stacks.deletion import delete
from pocket.deploy.stacks.lock import Lock
from pocket.deploy.stacks.losses import RETAINING, count_text, with_data
from pocket.deploy.stacks.secret_stores import Contents, Place, place_of, store_at
from pocket.deploy.stacks.stack import State, find, template_of
from pocket.deploy.template.api_domains import used_certificates
from pocket.deploy.template.certificate import REGION, certificate_stack_name, used_by_distribution
from pocket.deploy.template.storage import artifact_bucket_name, storage_stack_name
from pocket.deploy.template.storage_steps import BUCKET_TYPE, buckets_ever
from pocket.errors import DeployError, PlanRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pocket.config import StageConfig
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.aurora import Cluster
    from pocket.deploy.stacks.certificates import Certificate
    from pocket.deploy.target import Target


@dataclass(frozen=True)
class Removal:
    """What a removal removes from `account`; `place` describes the account and region.

    `buckets` pairs each name with its number of object versions; `data` are the user's own resources that hold data;
    `kept` describes what stays.
    """

    account: str
    place: str
    stacks: tuple[State, ...] = ()
    buckets: tuple[tuple[str, int], ...] = ()
    secrets: tuple[tuple[Place, Contents], ...] = ()
    kept: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    certificate_stack: State = field(default_factory=State)
    cluster: Cluster | None = None
    branch: str | None = None

    def lines(self) -> Iterator[str]:
        """A description of each part."""
        yield from (f"stack {state.stack.name}" for state in self.stacks if state.stack is not None)
        yield from (f"bucket {name} with its objects ({count_text(count)})" for name, count in self.buckets)
        yield from (f"{name} with what it holds" for name in self.data)
        if self.certificate_stack.stack is not None:
            yield f"stack {self.certificate_stack.stack.name} in {REGION}"
        yield from (f"certificate {item.arn} for {', '.join(item.names)}" for item in self.certificates)
        for where, contents in self.secrets:
            final = ", which AWS cannot restore" if where.store == "ssm" else ""
            for name in contents.own:
                yield f"{name} in the {where}{final}"
        if self.cluster is not None:
            yield f"cluster {self.cluster.name} with its data, after a last snapshot"
        if self.branch is not None:
            yield f"branch {self.branch} on Neon with its data"


@dataclass(frozen=True)
class Removed:
    """Descriptions of what was removed and what was kept."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]


def destroy(
    stage: StageConfig,
    target: Target,
    reporter: Reporter,
    *,
    confirm: Callable[[Removal], bool] = lambda _: True,
    with_database: str | None = None,
    whole: bool = False,
) -> Removed:
    """Removes the whole stage with its files and queued messages, if `confirm` returns True, under the stage's lock.

    Its Aurora cluster or Neon branch is kept unless `with_database` is its name, or the `whole` stage goes. Only
    secrets and a branch can be restored, for a while, and a cluster from its last snapshot. Raises PlanRefused if
    `confirm` returns False, StackFailed if CloudFormation cannot delete a resource, and DeployError if something else
    is changing the stage or a stack of its name is not the stage's.
    """
    clients = Clients(target)
    with reporter.step("Check the credentials"):
        account = account_id(clients)
    with Lock(clients, stage.name, "destroy", reporter) as lock:
        with reporter.step("Find what belongs to the stage"):
            locked = artifact_bucket_name(stage, account)
            if locked in _buckets(clients, stage, _state(clients, stage, storage_stack_name(stage)))[0]:
                lock.take(locked)
            removal = _removal(clients, stage, account)
            removal = _with_database(clients, stage, removal, with_database, whole=whole)
        if not confirm(removal):
            raise PlanRefused(f"Nothing of stage {stage.name!r} was removed.", "Pass --yes to confirm.")
        steps = list(_steps(clients, stage, removal, lock, reporter))
        return Removed(_remove(steps, reporter), removal.kept)


def _removal(clients: Clients, stage: StageConfig, account: str) -> Removal:
    main = _state(clients, stage, stage.stack_name)
    storage = _state(clients, stage, storage_stack_name(stage))
    own, foreign = _buckets(clients, stage, storage)
    secrets = list(_secrets(clients, stage, main))
    kept = [f"bucket {name}, which is not tagged as this stage's" for name in foreign]
    own_data = list(with_data(main.body))
    kept += [
        f"{name} ({item['Type']}), as its DeletionPolicy says"
        for name, item in own_data
        if item.get("DeletionPolicy") in RETAINING
    ]
    kept += [
        f"{', '.join(contents.others)} in the {where}, not generated by Pocket"
        for where, contents in secrets
        if contents.others
    ]
    return Removal(
        account,
        place(clients, account),
        tuple(state for state in (main, storage) if state.stack is not None),
        tuple((name, bucket.count(clients, name, account)) for name in own),
        tuple((where, contents) for where, contents in secrets if contents.own),
        (*kept, *_users_own(stage)),
        tuple(f"{name} ({item['Type']})" for name, item in own_data if item.get("DeletionPolicy") not in RETAINING),
        tuple(_certificates(clients, stage, main)),
        _certificate_stack(clients, stage, main),
    )


def _with_database(
    clients: Clients, stage: StageConfig, removal: Removal, named: str | None, *, whole: bool
) -> Removal:
    """The removal with the stage's database if the user has named it, or the whole stage goes.

    Raises DeployError for another name.
    """
    own = aurora.of_stage(clients, stage)
    rehearsed = stage.database_variable in clients.target.environment
    branch = None if rehearsed else stage.branch_name
    name, what = (own.name, "cluster") if own is not None else (branch, "branch")
    named = name if whole else named
    if named is not None and name != named:
        raise DeployError(
            f"{named} is not the database of stage {stage.name!r}; nothing was removed.",
            f"Its {what} is {name}." if name is not None else "The stage has no database that Pocket created.",
        )
    if name is None or (named is not None and own is not None):
        return replace(removal, cluster=own)
    if named is not None:
        found = neon.find(neon.connect(clients, stage), stage, named)
        return replace(removal, branch=None if found is None else named)
    last = " after a last snapshot" if own is not None else ""
    kept = f"{what} {name} with its data; `--with-database {name}` removes it{last}"
    return replace(removal, kept=(*removal.kept, kept))


def _certificate_stack(clients: Clients, stage: StageConfig, main: State) -> State:
    """The stack of the distribution's certificate, if the file or the deployed stage has a domain of a distribution."""
    if used_by_distribution(main.body) or any(domain.handler is None for domain in stage.domains):
        return _state(clients.in_region(REGION), stage, certificate_stack_name(stage))
    return State()


def _certificates(clients: Clients, stage: StageConfig, main: State) -> Iterable[Certificate]:
    """The certificates that Pocket requested outside of a stack: those in use, and all where a domain waits for one."""
    far = clients.in_region(REGION)
    found = [*certificates.requested_of(clients, stage, sorted(used_certificates(main.body)))]
    found += certificates.requested_of(far, stage, sorted(used_by_distribution(main.body)))
    waiting = [item for item in stage.domains if not item.create_records and item.certificate_arn is None]
    for there in dict.fromkeys(far if domain.handler is None else clients for domain in waiting):
        found += certificates.of_stage(there, stage)
    return {item.arn: item for item in found}.values()


def _state(clients: Clients, stage: StageConfig, name: str) -> State:
    """The stack in any state, with its template."""
    stack = find(clients, name)
    if stack is None or stack.status == "DELETE_COMPLETE":
        return State()
    if stack.busy and stack.status != "DELETE_IN_PROGRESS":
        raise DeployError(
            f"Stack {name} is in {stack.status}: something else is changing it.",
            "Wait until `pocket status` shows that it has ended, then try again.",
        )
    if stack.status == "REVIEW_IN_PROGRESS":
        ownership.refuse_foreign_plan(clients, stage, name, stack)
        return State(stack)
    found = State(stack, template_of(clients, stack))
    ownership.refuse_foreign(stage, stack, found.body)
    return found


def _buckets(clients: Clients, stage: StageConfig, storage: State) -> tuple[list[str], list[str]]:
    """The existing buckets of the stage, and those that only the storage stack's template names."""
    if storage.stack is None:
        return [], []
    pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=storage.stack.stack_id)
    made = [
        item.get("PhysicalResourceId", "")
        for page in pages
        for item in page["StackResourceSummaries"]
        if item["ResourceType"] == BUCKET_TYPE and item["ResourceStatus"] not in {"CREATE_FAILED", "DELETE_COMPLETE"}
    ]
    former = [name for name in buckets_ever(storage.body) if name not in made and bucket.exists(clients, name)]
    own = [name for name in former if ownership.owns_bucket(clients, stage, name)]
    return [*(name for name in made if name and bucket.exists(clients, name)), *own], [
        name for name in former if name not in own
    ]


def _secrets(clients: Clients, stage: StageConfig, main: State) -> Iterator[tuple[Place, Contents]]:
    """The contents of each place that a release, or pocket.toml, names for generated values."""
    history = deployed_state(stage, main.body).history
    places = [release.secrets for release in history.releases if release.secrets is not None]
    if stage.generated_secrets:
        places.append(place_of(stage))
    declared = [item.name for item in stage.generated_variables]
    for where in dict.fromkeys(places):
        yield where, store_at(clients, stage, where).contents(declared)


def _remove(steps: Sequence[tuple[str, Callable[[], str]]], reporter: Reporter) -> tuple[str, ...]:
    """Carries out the steps in order; if one fails, notes what was removed and what was not."""
    removed: list[str] = []
    try:
        for what, act in steps:
            with reporter.step(f"Remove {what}"):
                removed.append(act())
    except BaseException:
        reporter.note(f"Removed: {'; '.join(removed) or 'nothing'}.")
        reporter.note(f"Not removed, or only in part: {'; '.join(what for what, _ in steps[len(removed) :])}.")
        raise
    for item in removed:
        reporter.note(f"Removed {item}.")
    return tuple(removed)


def _steps(
    clients: Clients, stage: StageConfig, removal: Removal, lock: Lock, reporter: Reporter
) -> Iterator[tuple[str, Callable[[], str]]]:
    """The steps, as description and function: functions first, and of the buckets the one with the lock last."""
    storage = storage_stack_name(stage)
    for state in removal.stacks:
        if state.stack is not None and state.stack.name != storage:
            yield f"stack {state.stack.name}", partial(_delete_stack, clients, state, reporter)
    far = clients.in_region(REGION)
    if removal.certificate_stack.stack is not None:
        state = removal.certificate_stack
        yield f"stack {certificate_stack_name(stage)}", partial(_delete_stack, far, state, reporter)
    for item in removal.certificates:
        there = clients.in_region(item.arn.split(":")[3])
        yield f"certificate {item.arn}", partial(certificates.delete, there, item.arn)
    locked = artifact_bucket_name(stage, removal.account)
    for name, _ in sorted(removal.buckets, key=lambda item: item[0] == locked):
        if name == locked:
            yield f"bucket {name}", partial(_delete_locked, clients, name, removal.account, lock)
        else:
            yield f"bucket {name}", partial(bucket.delete, clients, name, removal.account)
    for state in removal.stacks:
        if state.stack is not None and state.stack.name == storage:
            yield f"stack {storage}", partial(_delete_stack, clients, state, reporter)
    for where, contents in removal.secrets:
        yield f"{', '.join(contents.own)}", partial(store_at(clients, stage, where).remove, contents.own)
    if removal.cluster is not None:
        yield f"cluster {removal.cluster.name}", partial(aurora.remove, clients, stage, removal.cluster)
    if removal.branch is not None:
        api = neon.connect(clients, stage)
        yield f"branch {removal.branch} on Neon", partial(neon.remove, api, stage, removal.branch)


def _delete_stack(clients: Clients, state: State, reporter: Reporter) -> str:
    if state.stack is None or (stack := find(clients, state.stack.stack_id)) is None:
        return "a stack, already deleted"
    if stack.status != "DELETE_COMPLETE":
        delete(clients, stack, reporter)
    return f"stack {stack.name}"


def _delete_locked(clients: Clients, name: str, account: str, lock: Lock) -> str:
    # Renewing the lock writes into the bucket, which has to stay empty.
    lock.release()
    return bucket.delete(clients, name, account)


def _users_own(stage: StageConfig) -> Iterable[str]:
    generated = {item.secret_id for item in stage.generated_variables}
    for item in stage.secret_variables:
        if item.secret_id not in generated:
            yield f"secret {item.secret_id}, which Pocket did not generate"
