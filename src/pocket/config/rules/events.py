"""Rules for events: one source each, of the stage's bucket and region, and without two that S3 would refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pocket import naming
from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.rules import recursion
from pocket.config.rules.django import json_issues
from pocket.config.stage import StageConfig
from pocket.config.tables.events import Event, S3Event
from pocket.config.tables.handlers import Handler

_RETRIES: tuple[str, ...] = ("maximum_retry_attempts", "maximum_event_age")


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with the events of every handler, and between them."""
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    for name, handler in handlers.items():
        path: KeyPath = ("awscontainer", "handlers", name)
        yield from _purpose(handler, path)
        for number, event in enumerate(handler.events):
            yield from _event(stage, event, (*path, "events", number))
            yield from recursion.issues(stage, name, event, (*path, "events", number))
    yield from _overlaps(handlers)


def _purpose(handler: Handler, path: KeyPath) -> Iterator[Issue]:
    kind = naming.HANDLERS.get(handler.command)
    needs: tuple[KeyPath, ...] = ((*path, "command"), (*path, "apigateway"), (*path, "function_url"))
    if handler.events and not handler.runs_callable:
        answers = "answers HTTP" if kind is None else kind.summary
        message = f"The handler's command does not support events: it {answers}."
        hint = 'Declare a handler for them, with a callable of the project: command = "board.events.uploaded".'
        yield Issue((*path, "events"), "purpose", message, hint, needs)
    elif not handler.is_called_asynchronously:
        needs = (*needs, (*path, "events", 0), (*path, "schedule", 0))
        for key in _RETRIES:
            if key in handler.model_fields_set:
                message = "This key is for events of S3, SNS, EventBridge or a schedule, but the handler has none."
                yield Issue((*path, key), "asynchronous", message, f"Remove {key}.", needs)


def _event(stage: StageConfig, event: Event, path: KeyPath) -> Iterator[Issue]:
    sources = event.sources
    if len(sources) != 1:
        found = " and ".join(sources) or "none"
        message = f"Expected one of {', '.join(Event.model_fields)}, found {found}."
        needs = tuple((*path, key) for key in Event.model_fields)
        yield Issue(path, "source", message, "Write each source as a table of its own in the list.", needs)
    if event.s3 is not None:
        yield from _bucket(stage, event.s3, (*path, "s3"))
        yield from _names(event.s3, (*path, "s3", "events"))
    if event.eventbridge is not None:
        yield from _bus(stage, event.eventbridge.bus, (*path, "eventbridge", "bus"))
        yield from _pattern(event.eventbridge.pattern, (*path, "eventbridge", "pattern"))
    if event.dynamodb is not None and event.dynamodb.stream.split(":")[3] != stage.region:
        yield _elsewhere(stage, "stream", (*path, "dynamodb", "stream"))


def _bucket(stage: StageConfig, event: S3Event, path: KeyPath) -> Iterator[Issue]:
    if stage.bucket_name is None:
        message = "The event needs the stage's bucket, but the stage has no table [s3]."
        yield Issue(path, "bucket", message, "Add the table [s3].", (("s3",),))
    elif event.bucket not in {None, stage.bucket_name}:
        message = f'The bucket "{event.bucket}" is not the stage\'s, which is "{stage.bucket_name}".'
        hint = (
            "Remove bucket. For another bucket, turn on its events to EventBridge, and use"
            ' eventbridge = { pattern = { source = ["aws.s3"], detail = { bucket = { name = ["NAME"] } } } }.'
        )
        yield Issue((*path, "bucket"), "bucket", message, hint, (("s3", "bucket_name_format"),))


def _names(event: S3Event, path: KeyPath) -> Iterator[Issue]:
    for number, name in enumerate(event.events):
        if before := next((other for other in event.events[:number] if _same(name, other)), None):
            message = f'S3 refuses "{name}" beside "{before}", which has events in common with it.'
            yield Issue((*path, number), "twice", message, "Remove one of the two.", (path,))


def _bus(stage: StageConfig, bus: str, path: KeyPath) -> Iterator[Issue]:
    if bus.startswith("arn:") and bus.split(":")[3] != stage.region:
        yield _elsewhere(stage, "event bus", path)


def _elsewhere(stage: StageConfig, what: str, path: KeyPath) -> Issue:
    message = f"The {what} is in another region than the stage, which is in {stage.region}."
    return Issue(path, "region", message, "Lambda reads from its own region only.", (("general", "region"),))


_FIELDS = ("account", "detail", "detail-type", "id", "region", "resources", "source", "time", "version", "$or")
_FILTERS = (
    "prefix",
    "suffix",
    "anything-but",
    "numeric",
    "exists",
    "cidr",
    "equals-ignore-case",
    "wildcard",
)


def _pattern(pattern: Mapping[str, Any], path: KeyPath) -> Iterator[Issue]:
    """The issues with an event pattern: its fields are EventBridge's, and it ends in lists of values and filters.

    Source: Amazon EventBridge User Guide, "Creating event patterns" and "Comparison operators".
    """
    if not pattern:
        yield Issue(path, "pattern", 'Expected a pattern, such as { source = ["aws.s3"] }, found an empty table.')
    for key, value in pattern.items():
        if key not in _FIELDS:
            message = f"An event has no field {key!r}: expected one of {', '.join(_FIELDS)}."
            yield Issue((*path, key), "pattern", message, "Fields of the sender are below detail.")
        else:
            yield from _matcher(value, (*path, key))


def _matcher(value: Any, path: KeyPath) -> Iterator[Issue]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _matcher(inner, (*path, key))
        return
    if not isinstance(value, list) or not value:
        message = "Expected a list of the values that match, or a table of fields."
        yield Issue(path, "pattern", message, 'A single value is a list too: source = ["board"].')
        return
    for number, item in enumerate(value):
        place = (*path, number)
        if path[-1] == "$or":
            yield from _matcher(item, place)
        elif isinstance(item, list):
            yield Issue(place, "pattern", "Expected a value or a filter, found a list.")
        elif isinstance(item, Mapping):
            if len(item) != 1 or next(iter(item)) not in _FILTERS:
                message = f"Expected a filter with one of {', '.join(_FILTERS)}."
                yield Issue(place, "pattern", message, 'For example, [{ prefix = "media/" }].')
            yield from json_issues(item, place, "the handler")
        else:
            yield from json_issues(item, place, "the handler")


def _overlaps(handlers: Mapping[str, Handler]) -> Iterator[Issue]:
    """S3 refuses two notifications that the same change of an object would cause."""
    known: list[tuple[KeyPath, S3Event]] = []
    for name, handler in handlers.items():
        for number, event in enumerate(handler.events):
            if event.s3 is None:
                continue
            path: KeyPath = ("awscontainer", "handlers", name, "events", number, "s3")
            for before, other in known:
                if _overlap(event.s3, other):
                    place = f"events[{before[4]}] of the handler {before[2]}"
                    message = f"S3 refuses this event beside {place}: the same change of an object would cause both."
                    hint = "Use prefixes or suffixes that exclude each other, or one handler that does both."
                    yield Issue(path, "overlap", message, hint, (before,))
                    break
            known.append((path, event.s3))


def _overlap(one: S3Event, other: S3Event) -> bool:
    prefixes = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    suffixes = one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix)
    return prefixes and suffixes and any(_same(a, b) for a in one.events for b in other.events)


def _same(one: str, other: str) -> bool:
    """Whether two names of events, which may end in `*`, have an event in common."""
    return one == other or any(a.endswith("*") and b.startswith(a[:-1]) for a, b in ((one, other), (other, one)))
