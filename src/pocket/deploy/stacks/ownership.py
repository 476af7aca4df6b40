"""Which stage owns a stack: by the tags that Pocket sets or, if an older Pocket made it, by its template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.deploy.stacks import changeset
from pocket.deploy.stacks.failures import failed
from pocket.deploy.stacks.stack import EventFeed, every, find, state_of, watch
from pocket.deploy.template.marks import MADE, METADATA, ORIGIN, PROJECT, STAGE, by_key, description, marked
from pocket.errors import AWSCallFailed, DeployError, StackFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.stack import Stack, State


def own_state(clients: Clients, stage: StageConfig, name: str) -> State:
    """The state of one of the stage's stacks. Raises as `stack.state`, and DeployError if the stack is not the stage's.

    The tags decide; for a stack without tags, the template's description or releases.
    """
    there = find(clients, name)
    refuse_foreign_plan(clients, stage, name, there)
    found = state_of(clients, name, there)
    if found.stack is not None:
        refuse_foreign(stage, found.stack, found.body)
    return found


def recovered_state(clients: Clients, stage: StageConfig, name: str, reporter: Reporter, *, assume_yes: bool) -> State:
    """As `own_state`; a rollback that failed is continued first, if the user agrees.

    That only restores what was there before. It skips no resource, so it fails again while the cause remains. Raises
    StackFailed then, and if the user declines.
    """
    try:
        return own_state(clients, stage, name)
    except StackFailed:
        found = find(clients, name)
        if found is None or found.status != "UPDATE_ROLLBACK_FAILED" or not marked(stage, found.tags):
            raise
        question = f"The rollback of stack {name} failed: {found.reason}\nIf the cause is repaired: continue it?"
        if not (assume_yes or reporter.confirm(question)):
            raise
    feed = EventFeed(clients, found.stack_id)
    with reporter.step(f"Continue the rollback of stack {name}"):
        clients.cloudformation.continue_update_rollback(StackName=found.stack_id)
        ended = watch(clients, feed, reporter)
    if not ended.usable:
        raise failed(clients, feed, f"The rollback of stack {name} failed again", ended)
    return own_state(clients, stage, name)


def refuse_foreign(stage: StageConfig, stack: Stack, body: Mapping[str, Any]) -> None:
    """Raises DeployError for a stack that Pocket did not make for this stage of this project."""
    tags = stack.tags
    tagged = bool(tags.keys() & {PROJECT, STAGE})
    if marked(stage, tags) if tagged else _made_before_tags(stage, body):
        return
    owner = "was not made by Pocket"
    if tagged:
        owner = f"belongs to stage {tags.get(STAGE)!r} of project {tags.get(PROJECT)!r}"
    raise DeployError(
        f"Stack {stack.name} exists and {owner}, so stage {stage.name!r} of project {stage.project_name!r} cannot"
        " use it. Nothing was changed.",
        "Choose another `general.project_name` or `general.object_prefix` in pocket.toml.",
    )


def owns_bucket(clients: Clients, stage: StageConfig, bucket: str) -> bool:
    """Whether an existing bucket has the stage's tags."""
    try:
        tags = clients.s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except AWSCallFailed as error:
        # It has no tags, or it is in another account or region.
        if error.code in {"NoSuchTagSet", "AccessDenied", "PermanentRedirect"}:
            return False
        raise
    return marked(stage, by_key(tags))


def other_origin(stack: Stack | None, origin: str) -> str:
    """The stack's origin if it is known and differs from `origin`, else ""."""
    known = "" if stack is None else stack.tags.get(ORIGIN, "")
    return known if known and origin and not same_origin(known, origin) else ""


def same_origin(one: str, other: str) -> bool:
    """Whether two origins are the same folder, in repositories that share a first commit."""
    one_folder, _, one_roots = one.partition(" ")
    other_folder, _, other_roots = other.partition(" ")
    return one_folder == other_folder and not {*one_roots.split()}.isdisjoint(other_roots.split())


def under_another_name(clients: Clients, stage: StageConfig, origin: str) -> Stack | None:
    """The stack of the same stage and origin under another name of the project, if there is one."""
    found = [
        stack
        for stack in (every(clients) if origin else ())
        if stack.tags.get(STAGE) == stage.name
        and stack.tags.get(PROJECT) != stage.project_name
        and same_origin(stack.tags.get(ORIGIN, ""), origin)
    ]
    # The storage stack's name is longer.
    return min(found, key=lambda stack: len(stack.name), default=None)


def refuse_foreign_plan(clients: Clients, stage: StageConfig, name: str, found: Stack | None) -> None:
    """Raises DeployError if the stack, as it was `found`, does not exist yet and something else is about to make it."""
    if found is None or found.status != "REVIEW_IN_PROGRESS" or marked(stage, found.tags):
        return
    waiting = changeset.names(clients, name)
    if found.tags.keys() & {PROJECT, STAGE} or any(not item.startswith(changeset.PREFIX) for item in waiting):
        raise DeployError(
            f"Stack {name} is being created, but not for stage {stage.name!r} of project {stage.project_name!r}. Its"
            f" change sets: {', '.join(waiting)}.",
            f"If nothing needs it: aws cloudformation delete-stack --region {clients.target.region}"
            f" --stack-name {name}",
        )


def _made_before_tags(stage: StageConfig, body: Mapping[str, Any]) -> bool:
    text = str(body.get("Description", ""))
    if text.endswith(MADE):
        return text in {description(stage, what) for what in ("Stage", "Storage of stage")}
    metadata = body.get("Metadata")
    return isinstance(metadata, dict) and isinstance(metadata.get(METADATA), dict)
