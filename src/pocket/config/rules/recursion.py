"""Rules for recursion: a function that may write where it listens must be meant to.

What a function writes to the stage's bucket is denied by its role instead: `deploy.template.permissions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.tables.events import Event, EventBridgeEvent

_TABLE_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", *(f"PartiQL{verb}" for verb in
                 ("Insert", "Update", "Delete")))  # fmt: skip

WRITES = {
    "sns": ("sns:Publish",),
    "eventbridge": ("events:PutEvents",),
    "dynamodb": tuple(f"dynamodb:{name}" for name in _TABLE_WRITES),
}
"""The actions that cause events, by the kind of their source."""

_VARIABLE = re.compile(r"\$\{(AWS::|!)[^{}]*\}")


def issues(stage: StageConfig, handler: str, event: Event, path: KeyPath) -> Iterator[Issue]:
    """The permissions with which the handler's function can cause the event."""
    for kind, source in _sources(stage, event):
        for place, permission in stage.permissions():
            if place[1] == "handlers" and place[2] != handler:
                continue
            causes = [name for name in WRITES[kind] if any(_matches(name, given) for given in permission.actions)]
            if causes and any(_covers(resource, source) for resource in permission.resources):
                message = f"The function may call {causes[0]} on what calls it, so it could call itself without end."
                hint = "Narrow the resources of `permissions` or, if the code ends it, add allow_recursion = true."
                yield Issue((*path, kind), "recursion", message, hint, (place, (*path, kind, "allow_recursion")))
                return


def _sources(stage: StageConfig, event: Event) -> Iterator[tuple[str, str]]:
    """The kind and the ARN of what calls the function; a part that is not known is empty."""
    if event.sns is not None and not event.sns.allow_recursion:
        yield "sns", event.sns.topic
    if event.dynamodb is not None and not event.dynamodb.allow_recursion:
        yield "dynamodb", event.dynamodb.stream.partition("/stream/")[0]
    bridge = event.eventbridge
    if bridge is not None and not bridge.allow_recursion and not _is_of_aws(bridge):
        named = f"arn::events:{stage.region}::event-bus/{bridge.bus}"
        yield "eventbridge", bridge.bus if bridge.bus.startswith("arn:") else named


def _is_of_aws(event: EventBridgeEvent) -> bool:
    """Whether only services of AWS send what the pattern matches: nothing else may send as `aws.*`."""
    found = event.pattern.get("source")
    return isinstance(found, list) and all(isinstance(item, str) and item.startswith("aws.") for item in found)


def _matches(action: str, given: str) -> bool:
    return fnmatchcase(action.lower(), given.lower())


def _covers(resource: str, source: str) -> bool:
    """Whether the ARN of a permission matches the source's, as far as the file shows it."""
    known = _VARIABLE.sub("*", resource)
    if known == "*":
        return True
    parts = known.split(":", 5)
    if "${" in known or len(parts) < 6:
        return False
    return all(
        not theirs or fnmatchcase(theirs, mine) for mine, theirs in zip(parts, source.split(":", 5), strict=True)
    )
