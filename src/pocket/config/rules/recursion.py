"""Rules for recursion: a function that may write where it listens must be meant to.

What a function writes to the stage's bucket is denied by its role instead: `deploy.template.permissions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.tables.events import Event, EventBridgeEvent
from pocket.config.tables.permissions import Permission

_TABLE_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", *(f"PartiQL{verb}" for verb in
                 ("Insert", "Update", "Delete")))  # fmt: skip

WRITES = {
    "sns": ("sns:Publish",),
    "eventbridge": ("events:PutEvents",),
    "dynamodb": tuple(f"dynamodb:{name}" for name in _TABLE_WRITES),
}
"""The actions that cause events, by the kind of their source."""

_FIELDS = {"events:source": "source", "events:detail-type": "detail-type"}
"""The condition keys that limit which events may be sent, with the field of a pattern that they limit:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html"""

_VARIABLE = re.compile(r"\$\{(AWS::|!)[^{}]*\}")


def issues(stage: StageConfig, handler: str, event: Event, path: KeyPath) -> Iterator[Issue]:
    """The permissions with which the handler's function can cause the event."""
    for kind, source in _sources(stage, event):
        for place, permission in stage.permissions():
            if place[1] == "handlers" and place[2] != handler:
                continue
            if kind == "eventbridge" and event.eventbridge and _sends_others(permission, event.eventbridge.pattern):
                continue
            causes = [name for name in WRITES[kind] if any(_matches(name, given) for given in permission.actions)]
            if causes and any(_covers(resource, source) for resource in permission.resources):
                message = f"The function may call {causes[0]} on what calls it, so it could call itself without end."
                narrow = "resources or conditions" if kind == "eventbridge" else "resources"
                hint = f"Narrow the {narrow} of `permissions` or, if the code ends it, add allow_recursion = true."
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


def _sends_others(permission: Permission, pattern: Mapping[str, object]) -> bool:
    """Whether a condition excludes every event that the pattern matches."""
    for operator, keys in permission.conditions.items():
        how = operator.removeprefix("ForAllValues:").removesuffix("IfExists")
        for key, values in keys.items():
            items = pattern.get(_FIELDS.get(key.lower(), ""))
            if isinstance(items, list) and _excludes(how, values, items):
                return True
    return False


def _excludes(how: str, values: Sequence[str], items: Sequence[object]) -> bool:
    """Whether the operator `how` with these values excludes all that the items of a pattern match."""
    if how in {"StringEquals", "StringLike"}:
        return not any(_may_be(item, value, how) for item in items for value in values)
    if how in {"StringNotEquals", "StringNotLike"}:
        known = [value for value in values if "${" not in value]
        return all(isinstance(item, str) and any(_is(item, value, how) for value in known) for item in items)
    return False


def _may_be(item: object, value: str, how: str) -> bool:
    """Whether the item of a pattern may match what the value of a condition allows."""
    known = "${" not in value
    exact = known and not (how == "StringLike" and re.search(r"[*?]", value))
    match item:
        case str() if known:
            return _is(item, value, how)
        case {"prefix": str(text)} if exact:
            return value.startswith(text)
        case {"suffix": str(text)} if exact:
            return value.endswith(text)
        case {"anything-but": str() | list() as others} if exact:
            return value not in ([others] if isinstance(others, str) else others)
    return True


def _is(text: str, value: str, how: str) -> bool:
    if not how.endswith("Like"):
        return text == value
    pattern = re.escape(value).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, text, re.DOTALL) is not None


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
