"""Change sets: what CloudFormation would do to a stack, and the execution."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from pocket.deploy.reporting import PlanRow
from pocket.deploy.stacks.deletion import delete
from pocket.deploy.stacks.failures import failed, unplanned
from pocket.deploy.stacks.stack import EventFeed, Stack, find, is_absence, watch
from pocket.deploy.template.marks import listed
from pocket.deploy.template.steps import ALIAS, VERSION
from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef, ParameterTypeDef

    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

PREFIX = "pocket-"
"""The beginning of every change set's name."""

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_VERSIONS: Mapping[str, tuple[Literal["add", "remove"], str]] = {
    "Add": ("add", "checked by the gates before `live` moves to it"),
    "Remove": ("remove", "not part of a kept release"),
}
LIVE_MOVES = "`live` moves to the new version"
TAGS = "Tags"
"""What changes of a resource where its tags do, its own or the stack's."""

RETAINED = "kept with its content; only `pocket destroy` removes it"


class Source(TypedDict, total=False):
    """Where CloudFormation finds a template: one of the two."""

    TemplateBody: str
    TemplateURL: str


@dataclass(frozen=True)
class ChangeSet:
    """A change set of a stack; without rows it changes outputs only.

    Its name is chosen before the call that creates it, so that it can be found after an interruption. `existing` is
    the stack that it changes, None if it creates one. `arn` and `stack_id` are "" until AWS has created it.
    """

    stack_name: str
    existing: Stack | None
    name: str = field(default_factory=lambda: f"{PREFIX}{uuid.uuid4().hex}")
    arn: str = ""
    stack_id: str = ""
    rows: tuple[PlanRow, ...] = ()

    @property
    def creates(self) -> bool:
        """Whether it creates its stack."""
        return self.existing is None


def create(
    clients: Clients,
    wanted: ChangeSet,
    source: Source,
    parameters: Mapping[str, str | None],
    *,
    tags: Mapping[str, str],
    adopt: bool = False,
) -> ChangeSet | None:
    """Creates the change set that brings the stack to a template; None if the stack matches it already.

    A parameter whose value is None keeps the stack's value. `tags` are all tags of the stack. With `adopt`, a resource
    of a fixed name that exists outside the stack is imported, if the template retains it. Raises StackFailed if
    CloudFormation cannot create the change set; the stack is then unchanged. Except after success, the caller discards
    `wanted`.
    """
    answer = clients.cloudformation.create_change_set(
        **source,
        StackName=wanted.stack_name,
        ChangeSetName=wanted.name,
        ChangeSetType="CREATE" if wanted.creates else "UPDATE",
        Parameters=[_parameter(key, value) for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
        ImportExistingResources=adopt,
        Tags=listed(tags),
    )
    made = replace(wanted, arn=answer["Id"], stack_id=answer["StackId"])
    described = _described(clients, made)
    if described["Status"] == "CREATE_COMPLETE":
        return replace(made, rows=tuple(_rows(item["ResourceChange"] for item in described.get("Changes", []))))
    reason = described.get("StatusReason", "")
    if any(words in reason for words in _NO_CHANGES):
        return None
    raise unplanned(clients, made.stack_name, made.arn, reason)


def names(clients: Clients, stack_name: str) -> list[str]:
    """The names of the stack's change sets."""
    pages = clients.cloudformation.get_paginator("list_change_sets").paginate(StackName=stack_name)
    return [item["ChangeSetName"] for page in pages for item in page["Summaries"]]


def discard(clients: Clients, change_set: ChangeSet) -> None:
    """Deletes a change set that is not executed, and the empty stack that AWS created for it.

    Does nothing if it is gone already; an empty stack with change sets of another deploy stays.
    """
    cloudformation, name = clients.cloudformation, change_set.stack_name
    try:
        cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set.name)
    except AWSCallFailed as error:
        # A change set in execution cannot be deleted, and need not be.
        if not is_absence(error) and error.code != "InvalidChangeSetStatus":
            raise
    if change_set.creates:
        found = find(clients, name)
        if found is not None and found.status == "REVIEW_IN_PROGRESS" and not names(clients, name):
            cloudformation.delete_stack(StackName=found.stack_id)


def execute(clients: Clients, change_set: ChangeSet, reporter: Reporter) -> Stack:
    """Executes the change set and waits for its end; returns the stack.

    Raises StackFailed with the first resource that failed, once CloudFormation has rolled back the update or the
    failed creation is deleted. Ctrl-C does the same, then KeyboardInterrupt is raised again.
    """
    feed: EventFeed | None = None
    try:
        feed = _begin(clients, change_set)
        ended = watch(clients, feed, reporter)
    except KeyboardInterrupt:
        _undo(clients, change_set, feed, reporter)
        raise
    except AWSCallFailed:
        reporter.note(_continuation(change_set.stack_name))
        raise
    if ended.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        return ended
    if change_set.creates and ended.status != "DELETE_COMPLETE":
        why = failed(clients, feed, f"Stack {change_set.stack_name} could not be created and was deleted", ended)
        delete(clients, ended, reporter)
        raise why
    if ended.status == "UPDATE_ROLLBACK_COMPLETE":
        raise failed(clients, feed, f"Stack {change_set.stack_name} could not be updated and was rolled back", ended)
    raise failed(clients, feed, f"Stack {change_set.stack_name} ended in {ended.status}", ended)


def changed(stack_name: str) -> DeployError:
    """The error for a stack that something else changed since it was read."""
    return DeployError(
        f"Stack {stack_name} has changed since this plan was made, so the plan was not applied.",
        "Try again: Pocket then plans from what is deployed.",
    )


def _begin(clients: Clients, change_set: ChangeSet) -> EventFeed:
    try:
        feed = EventFeed(clients, change_set.stack_id)
        clients.cloudformation.execute_change_set(StackName=change_set.stack_id, ChangeSetName=change_set.arn)
    except AWSCallFailed as error:
        # Once another change set is executed, AWS deletes a stack's others or marks them obsolete.
        if is_absence(error) or error.code == "InvalidChangeSetStatus":
            raise changed(change_set.stack_name) from error
        raise
    return feed


def _undo(clients: Clients, change_set: ChangeSet, feed: EventFeed | None, reporter: Reporter) -> None:
    """Undoes a started change; after a second Ctrl-C, CloudFormation does that unattended."""
    name = change_set.stack_name
    if feed is None:
        found = find(clients, change_set.stack_id)
        if found is None or found.absent or not (found.busy or change_set.creates):
            # Interrupted before the execution began: the change set is discarded with the other plans.
            return
        feed = EventFeed(clients, change_set.stack_id)
    reporter.note(
        f"Interrupted: rolling back stack {name}. Press Ctrl-C again to leave the rollback to CloudFormation."
    )
    try:
        if change_set.creates:
            clients.cloudformation.delete_stack(StackName=change_set.stack_id)
        else:
            clients.cloudformation.cancel_update_stack(StackName=change_set.stack_id)
    except AWSCallFailed:
        # It was too late to cancel the change: it completes, and the stack is consistent in either case.
        reporter.note(f"It is too late to cancel the change of stack {name}; CloudFormation completes it.")
    try:
        ended = watch(clients, feed, reporter)
    except KeyboardInterrupt:
        reporter.note(_continuation(name))
    else:
        reporter.note(f"Stack {name} is in {ended.status}.")


def _parameter(key: str, value: str | None) -> ParameterTypeDef:
    if value is None:
        return {"ParameterKey": key, "UsePreviousValue": True}
    return {"ParameterKey": key, "ParameterValue": value}


def _continuation(stack_name: str) -> str:
    return f"CloudFormation continues with stack {stack_name}; `pocket status` shows its state."


def _described(clients: Clients, change_set: ChangeSet) -> DescribeChangeSetOutputTypeDef:
    pause = 0.5 if clients.target.endpoint_url is None else 0.05
    described = _page(clients, change_set)
    while described["Status"] in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
        time.sleep(pause)
        pause = min(pause * 1.5, 5)
        described = _page(clients, change_set)
    page = described
    while token := page.get("NextToken"):
        page = _page(clients, change_set, NextToken=token)
        described["Changes"] += page["Changes"]
    return described


def _page(clients: Clients, change_set: ChangeSet, **more: Any) -> DescribeChangeSetOutputTypeDef:
    return clients.cloudformation.describe_change_set(
        StackName=change_set.stack_id, ChangeSetName=change_set.arn, **more
    )


def _rows(changes: Iterable[Mapping[str, Any]]) -> Iterable[PlanRow]:
    for change in changes:
        action, detail = _action(change)
        yield PlanRow(action, change["LogicalResourceId"], change["ResourceType"], detail)


def _action(change: Mapping[str, Any]) -> tuple[Literal["add", "change", "replace", "remove"], str]:
    action, policy = change["Action"], change.get("PolicyAction", "")
    targets = [item["Target"] for item in change.get("Details", [])]
    properties = sorted({item.get("Name", TAGS if item.get("Attribute") == TAGS else "") for item in targets} - {""})
    kind = change["ResourceType"]
    if (kind == VERSION and action in _VERSIONS) or (kind == ALIAS and properties == ["FunctionVersion"]):
        return _VERSIONS.get(action, ("change", LIVE_MOVES))
    if action == "Add":
        return "add", ""
    if action == "Import":
        return "add", "exists already and is adopted"
    if action == "Remove":
        return "remove", RETAINED if policy == "Retain" else ""
    replacement = change.get("Replacement", "False")
    named = ", ".join(properties)
    if replacement == "True":
        return "replace", f"{named}; the old one is {RETAINED}" if "Retain" in policy else named
    return "change", f"{named} (replaced if its value differs)" if replacement == "Conditional" else named
