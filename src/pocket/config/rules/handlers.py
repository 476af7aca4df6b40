"""What stands in front of a handler must fit the handler, and each other."""

from __future__ import annotations

from collections.abc import Iterator

from pocket import naming
from pocket.config.faults import Fault
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.tables.handlers import Handler

_LONGEST_BEHIND_API = 30
_FRONTS = ("apigateway", "function_url", "sqs")


def faults(stage: StageConfig) -> Iterator[Fault]:
    """The faults of every handler."""
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    for name, handler in handlers.items():
        path: KeyPath = ("awscontainer", "handlers", name)
        yield from _fronts(handler, path)
        yield from _purpose(handler, path)
        yield from _queue(handler, path)
        if handler.apigateway is not None and handler.timeout > _LONGEST_BEHIND_API:
            message = f"An API waits at most {_LONGEST_BEHIND_API} seconds; found {handler.timeout}."
            hint = "Shorten the timeout, or give long work to a handler with a queue."
            yield Fault((*path, "timeout"), "api", message, hint, ((*path, "apigateway"),))


def _fronts(handler: Handler, path: KeyPath) -> Iterator[Fault]:
    fronts = [key for key in _FRONTS if getattr(handler, key) is not None]
    for key in fronts[1:]:
        message = f"A handler has one thing in front, and this one has {fronts[0]} too."
        hint = "Make it two handlers."
        yield Fault((*path, key), "fronts", message, hint, ((*path, fronts[0]),))


def _purpose(handler: Handler, path: KeyPath) -> Iterator[Fault]:
    kind = naming.HANDLERS.get(handler.command)
    command = (*path, "command")
    for key in _FRONTS:
        if kind is not None and getattr(handler, key) is not None and key not in kind.fronts:
            message = f"This does not fit the handler's command, which {kind.summary}."
            hint = f'For a queue, the command is "{naming.SQS_MANAGEMENT_HANDLER}".' if key == "sqs" else ""
            yield Fault((*path, key), "purpose", message, hint, (command,))
    if handler.command == naming.SQS_MANAGEMENT_HANDLER and handler.sqs is None:
        message = "This command takes its work from a queue, and the handler has none."
        yield Fault(command, "no-queue", message, "Add sqs = {} to the handler.", ((*path, "sqs"),))
    if handler.schedule and (kind is None or not kind.commands):
        message = f'Only a handler with the command "{naming.MANAGEMENT_HANDLER}" has a schedule.'
        yield Fault((*path, "schedule"), "schedule", message, "Move the schedule to such a handler.", (command,))


def _queue(handler: Handler, path: KeyPath) -> Iterator[Fault]:
    queue, reserved = handler.sqs, handler.reserved_concurrency
    if queue is None:
        return
    if reserved is not None and queue.maximum_concurrency > reserved:
        message = f"The queue may start {queue.maximum_concurrency} functions, and {reserved} are reserved."
        needs = ((*path, "sqs", "maximum_concurrency"),)
        hint = "Reserve at least as many as sqs.maximum_concurrency (2 where it is absent)."
        yield Fault((*path, "reserved_concurrency"), "queue", message, hint, needs)
    if queue.dead_letter_message_retention_period < queue.message_retention_period:
        message = "Dead letters would be dropped early: their age counts from when they were first sent."
        hint = "Make it at least sqs.message_retention_period."
        needs = ((*path, "sqs", "message_retention_period"),)
        yield Fault((*path, "sqs", "dead_letter_message_retention_period"), "retention", message, hint, needs)
