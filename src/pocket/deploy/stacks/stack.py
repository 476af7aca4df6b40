"""A CloudFormation stack: its state, its template and its events."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.marks import by_key
from pocket.errors import AWSCallFailed, DeployError, StackFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

CONSOLE_HINT = "See its events in the CloudFormation console or with `aws cloudformation describe-stack-events`."


@dataclass(frozen=True)
class Stack:
    """A stack as CloudFormation describes it; secret parameters are masked there."""

    name: str
    stack_id: str
    status: str
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    changed: datetime | None = None
    """When it was last created or updated."""

    @property
    def absent(self) -> bool:
        """Whether it has no resources: its first change set was not executed, or it is deleted."""
        return self.status in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}

    @property
    def busy(self) -> bool:
        """Whether CloudFormation is changing it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def usable(self) -> bool:
        """Whether it exists and can be updated."""
        return self.status in USABLE


USABLE = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)


@dataclass(frozen=True)
class Event:
    """An event of one resource of a stack."""

    event_id: str
    logical_id: str
    kind: str
    status: str
    reason: str = ""
    physical_id: str = ""

    def __str__(self) -> str:
        return f"{self.status} {self.logical_id} ({self.kind})" + (f": {self.reason}" if self.reason else "")


def find(clients: Clients, name_or_id: str) -> Stack | None:
    """The stack, or None; a deleted one is found only by its id."""
    try:
        found = clients.cloudformation.describe_stacks(StackName=name_or_id)["Stacks"]
    except AWSCallFailed as error:
        if is_absence(error):
            return None
        raise
    return _read(found[0])


def is_absence(error: AWSCallFailed) -> bool:
    """Whether CloudFormation refused a call because the stack or change set does not exist."""
    return error.code == "ChangeSetNotFound" or (error.code == "ValidationError" and "does not exist" in error.message)


def every(clients: Clients) -> Iterator[Stack]:
    """Every stack of the account and region that is not deleted."""
    for page in clients.cloudformation.get_paginator("describe_stacks").paginate():
        yield from map(_read, page["Stacks"])


def _read(facts: Mapping[str, Any]) -> Stack:
    return Stack(
        name=facts["StackName"],
        stack_id=facts["StackId"],
        status=facts["StackStatus"],
        reason=facts.get("StackStatusReason", ""),
        outputs={item["OutputKey"]: item["OutputValue"] for item in facts.get("Outputs", [])},
        parameters={item["ParameterKey"]: item.get("ParameterValue", "") for item in facts.get("Parameters", [])},
        tags=by_key(facts.get("Tags", [])),
        changed=facts.get("LastUpdatedTime") or facts.get("CreationTime"),
    )


@dataclass(frozen=True)
class State:
    """A stack and its current template, as it was sent; `body` is empty if there is none."""

    stack: Stack | None = None
    body: Mapping[str, Any] = field(default_factory=dict)

    def same_as(self, other: State) -> bool:
        """Whether the stack did not change between the two states."""
        ids = {state.stack.stack_id if state.stack is not None else "" for state in (self, other)}
        return len(ids) == 1 and self.body == other.body


def state(clients: Clients, name: str) -> State:
    """The state of a stack that is absent or not changing. Raises as `state_of`."""
    return state_of(clients, name, find(clients, name))


def state_of(clients: Clients, name: str, found: Stack | None) -> State:
    """The state of a stack as it was `found`.

    After a failed creation there is no template. Raises DeployError for a stack that something else is changing, and
    StackFailed for one that only its owner can repair, whose content is unknown.
    """
    if found is None or found.absent:
        return State()
    if found.usable:
        return State(found, template_of(clients, found))
    if found.busy:
        raise DeployError(
            f"Stack {name} is in {found.status}: something else is changing it.",
            "Wait until `pocket status` shows that it has ended, then try again.",
        )
    if found.status == "ROLLBACK_COMPLETE":
        return State(found)
    if found.status == "UPDATE_ROLLBACK_FAILED":
        at = f"--region {clients.target.region} --stack-name {name}"
        hint = f"Repair the cause, then run `aws cloudformation continue-update-rollback {at}`."
    else:
        hint = f"`pocket destroy` removes it. {CONSOLE_HINT}"
    raise StackFailed(f"Stack {name} is in {found.status} and cannot be updated: {found.reason}", hint)


def template_of(clients: Clients, stack: Stack) -> Mapping[str, Any]:
    """The stack's current template, as it was sent; empty if Pocket did not make it."""
    answer = clients.cloudformation.get_template(StackName=stack.stack_id, TemplateStage="Original")
    body: object = answer["TemplateBody"]
    return body if isinstance(body, dict) else {}


class EventFeed:
    """The events of a stack from now on, each returned once, oldest first."""

    def __init__(self, clients: Clients, stack_id: str) -> None:
        self.stack_id = stack_id
        self.given: list[Event] = []
        self._clients = clients
        self._seen = {event.event_id for event in islice(self._newest_first(), 1)}

    def fresh(self) -> list[Event]:
        """The events since the last call."""
        found = list(self._newest_first())[::-1]
        self._seen.update(event.event_id for event in found)
        self.given.extend(found)
        return found

    def _newest_first(self) -> Iterator[Event]:
        seen: set[str] = getattr(self, "_seen", set())
        pages = self._clients.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.stack_id)
        for page in pages:
            for item in page["StackEvents"]:
                if item["EventId"] in seen:
                    return
                yield Event(
                    event_id=item["EventId"],
                    logical_id=item.get("LogicalResourceId", ""),
                    kind=item.get("ResourceType", ""),
                    status=item.get("ResourceStatus", ""),
                    reason=item.get("ResourceStatusReason", ""),
                    physical_id=item.get("PhysicalResourceId", ""),
                )


def watch(clients: Clients, feed: EventFeed, reporter: Reporter) -> Stack:
    """Reports the stack's events until CloudFormation has finished; returns the stack as it is then."""
    pause = 2.0 if clients.target.endpoint_url is None else 0.1
    while True:
        # Read before the events, so that the last ones are not missed.
        stack = find(clients, feed.stack_id)
        for event in feed.fresh():
            if event.kind != "AWS::CloudFormation::Stack" or event.reason:
                reporter.event(str(event))
        if stack is None or stack.status == "DELETE_COMPLETE":
            return stack or Stack(feed.stack_id, feed.stack_id, "DELETE_COMPLETE")
        if not stack.busy:
            return stack
        time.sleep(pause)
