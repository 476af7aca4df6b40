"""Why CloudFormation failed: the first resource that did, or the issues that it found before any change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pocket.deploy.stacks.stack import CONSOLE_HINT
from pocket.errors import AWSCallFailed, StackFailed

if TYPE_CHECKING:
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.stacks.stack import Event, EventFeed, Stack

_GONE = re.compile(r"not found|does not exist|NotFound|NoSuchBucket", re.IGNORECASE)
_MADE_AGAIN = {
    "AWS::Logs::LogGroup": "aws logs create-log-group --region {} --log-group-name {}",
    "AWS::S3::Bucket": "aws s3 mb --region {} s3://{}",
}

_TAKEN = re.compile(r"already exists|AlreadyExists|ResourceExists|BucketAlreadyOwnedByYou|name conflict", re.IGNORECASE)
_LOG_GROUP = re.compile(r"/aws/[A-Za-z0-9_./#-]+")

_ELSEWHERE = "DescribeEvents"
"""Part of a reason without details: it names the API that has them."""


def failed(clients: Clients, feed: EventFeed, what: str, ended: Stack) -> StackFailed:
    """The error that names the first resource that failed, which is the cause of later failures.

    If CloudFormation's own validation failed before any change, the error names every issue.
    """
    for event in feed.given:
        of_stack = event.kind == "AWS::CloudFormation::Stack"
        if not event.status.endswith("_FAILED") or "cancelled" in event.reason.lower():
            continue
        if of_stack and _ELSEWHERE in event.reason:
            return _refused(clients, what, event.reason, StackName=ended.stack_id)
        if not of_stack:
            message = f"{what}: {event.logical_id} ({event.kind}): {event.reason or event.status}"
            return StackFailed(message, _hint(clients, event), resource=event.logical_id, reason=event.reason)
    reason = ended.reason or ended.status
    return StackFailed(f"{what}: {reason}", CONSOLE_HINT, reason=reason)


def _taken(clients: Clients, kind: str, text: str) -> str:
    """What to do about a resource whose name something else has; `text` may have the name."""
    group = _LOG_GROUP.search(text)
    if kind == "AWS::Logs::LogGroup" or group is not None:
        name = group[0].rstrip(".") if group is not None else "NAME"
        return (
            "It has the lines of a function that Pocket did not make, or that was removed. If nothing needs them:"
            f" aws logs delete-log-group --region {clients.target.region} --log-group-name {name}. Then deploy again."
        )
    return (
        "Something else made it, so Pocket does not touch it. Choose another general.project_name or"
        " general.object_prefix in pocket.toml, or remove what exists, and deploy again."
    )


def _hint(clients: Clients, event: Event) -> str:
    if event.status == "CREATE_FAILED" and _TAKEN.search(event.reason):
        return _taken(clients, event.kind, f"{event.physical_id} {event.reason}")
    command = _MADE_AGAIN.get(event.kind)
    if command is None or not _GONE.search(event.reason):
        return CONSOLE_HINT
    again = command.format(clients.target.region, event.physical_id)
    return f"It was deleted outside Pocket. Create it again, then deploy: {again}"


def unplanned(clients: Clients, stack_name: str, change_set: str, reason: str) -> StackFailed:
    """The error for a change set that CloudFormation cannot create; `change_set` is its ARN and must still exist."""
    what = f"CloudFormation cannot create a change set for stack {stack_name}"
    if _ELSEWHERE in reason:
        return _refused(clients, what, reason, ChangeSetName=change_set)
    return StackFailed(f"{what}: {reason}", reason=reason)


def _refused(clients: Clients, what: str, reason: str, **where: Any) -> StackFailed:
    issues = _issues(clients, **where)
    if not issues:
        return StackFailed(f"{what}: {reason}", CONSOLE_HINT, reason=reason)
    first, cause = issues[0]
    listed = "; ".join(f"{resource}: {words}" for resource, words in issues)
    hint = _taken(clients, "", cause) if _TAKEN.search(cause) else CONSOLE_HINT
    return StackFailed(f"{what}: {listed}", hint, resource=first, reason=cause)


def _issues(clients: Clients, **where: Any) -> list[tuple[str, str]]:
    """Resources and reasons of the newest operation that did not pass CloudFormation's own validation.

    `where` is `StackName` or `ChangeSetName`.
    """
    pages = clients.cloudformation.get_paginator("describe_events").paginate(**where, Filters={"FailedEvents": True})
    try:
        events = [item for page in pages for item in page["OperationEvents"]]
    except AWSCallFailed:
        # The known reason is more useful than an error about its missing details.
        return []
    found = [item for item in events if item.get("ValidationStatus") == "FAILED"]
    newest = max(found, key=lambda item: item["Timestamp"], default=None)
    return [
        (item.get("LogicalResourceId", ""), item.get("ValidationStatusReason", ""))
        for item in found
        if newest is not None and item.get("OperationId") == newest.get("OperationId")
    ]
