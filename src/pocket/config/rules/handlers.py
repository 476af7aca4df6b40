"""Rules for handlers: their fronts fit their commands, timeouts and limits."""

from __future__ import annotations

from collections.abc import Iterator

from pocket import naming
from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.rules.django import json_issues
from pocket.config.stage import StageConfig
from pocket.config.tables.handlers import Handler, Schedule

_LONGEST_BEHIND_API = 30
_FRONTS = ("apigateway", "function_url", "sqs")


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with every handler."""
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    for name, handler in handlers.items():
        path: KeyPath = ("awscontainer", "handlers", name)
        yield from _fronts(handler, path)
        yield from _purpose(handler, path)
        yield from _queue(handler, path)
        yield from _commands(handler, path)
        if handler.apigateway is not None and handler.timeout > _LONGEST_BEHIND_API:
            message = f"Behind an API, expected at most {_LONGEST_BEHIND_API} seconds, found {handler.timeout}."
            hint = "Shorten the timeout, or move long work to a handler with a queue."
            yield Issue((*path, "timeout"), "api", message, hint, ((*path, "apigateway"),))


def _fronts(handler: Handler, path: KeyPath) -> Iterator[Issue]:
    fronts = [key for key in _FRONTS if getattr(handler, key) is not None]
    for key in fronts[1:]:
        message = f"A handler has only one front, but this one also has {fronts[0]}."
        hint = "Declare two handlers."
        yield Issue((*path, key), "fronts", message, hint, ((*path, fronts[0]),))


def _purpose(handler: Handler, path: KeyPath) -> Iterator[Issue]:
    kind = naming.HANDLERS.get(handler.command)
    command = (*path, "command")
    for key in _FRONTS:
        if kind is not None and getattr(handler, key) is not None and key not in kind.fronts:
            message = f"The handler's command does not support {key}: it {kind.summary}."
            hint = f'For a queue, use the command "{naming.SQS_MANAGEMENT_HANDLER}".' if key == "sqs" else ""
            yield Issue((*path, key), "purpose", message, hint, (command,))
    if handler.command == naming.SQS_MANAGEMENT_HANDLER and handler.sqs is None:
        message = "This command needs a queue, but the handler has none."
        yield Issue(command, "no-queue", message, "Add sqs = {} to the handler.", ((*path, "sqs"),))
    if handler.command == naming.EVENT_HANDLER:
        message = "Pocket chooses this handler itself, for a command that is a callable of the project."
        yield Issue(command, "event-handler", message, 'Write the callable\'s path, such as "board.events.thumbnails".')
    if handler.schedule and not (handler.runs_callable or (kind is not None and kind.commands)):
        message = "This handler cannot have a schedule: it answers HTTP or runs commands from a queue."
        hint = (
            f'Move the schedule to a handler with the command "{naming.MANAGEMENT_HANDLER}", or to one that runs a'
            " callable of the project."
        )
        yield Issue((*path, "schedule"), "schedule", message, hint, (command, *((*path, key) for key in _FRONTS)))
        return
    for number, schedule in enumerate(handler.schedule):
        yield from _schedule(handler, schedule, (*path, "schedule", number))


def _schedule(handler: Handler, schedule: Schedule, path: KeyPath) -> Iterator[Issue]:
    needs = ((*path[:-2], "command"),)
    if handler.runs_callable and schedule.manage is not None:
        message = f"The callable {handler.command} does not run management commands."
        hint = f'Pass data as input = {{ ... }}, or use the command "{naming.MANAGEMENT_HANDLER}".'
        yield Issue((*path, "manage"), "manage", message, hint, needs)
    if not handler.runs_callable and schedule.manage is None:
        message = "This key is required: the handler runs management commands."
        yield Issue((*path, "manage"), "manage", message, 'For example, manage = "clearsessions".', needs)
    if not handler.runs_callable and schedule.input is not None:
        message = "Only a callable of the project takes an input; this handler runs management commands."
        yield Issue((*path, "input"), "input", message, "Pass arguments in manage.", needs)
    yield from json_issues(schedule.input or {}, (*path, "input"), "the handler")


def _commands(handler: Handler, path: KeyPath) -> Iterator[Issue]:
    if handler.commands is not None and handler.command != naming.SQS_MANAGEMENT_HANDLER:
        message = "Only a handler that runs commands from a queue limits them."
        hint = f'Remove commands, or use the command "{naming.SQS_MANAGEMENT_HANDLER}".'
        yield Issue((*path, "commands"), "commands", message, hint, ((*path, "command"),))


def _queue(handler: Handler, path: KeyPath) -> Iterator[Issue]:
    queue, reserved = handler.sqs, handler.reserved_concurrency
    if queue is None:
        return
    if reserved is not None and queue.maximum_concurrency > reserved:
        message = (
            f"The queue may run {queue.maximum_concurrency} invocations at once, but only {reserved} are reserved."
        )
        needs = ((*path, "sqs", "maximum_concurrency"),)
        hint = "Reserve at least sqs.maximum_concurrency (default: 2)."
        yield Issue((*path, "reserved_concurrency"), "queue", message, hint, needs)
    if queue.dead_letter_message_retention_period < queue.message_retention_period:
        message = "Dead letters would expire early: their age counts from when they were first sent."
        hint = "Set it to at least sqs.message_retention_period."
        needs = ((*path, "sqs", "message_retention_period"),)
        yield Issue((*path, "sqs", "dead_letter_message_retention_period"), "retention", message, hint, needs)
