"""Rules for the names of AWS resources: length, characters, and uniqueness."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pocket import naming
from pocket.config.bucket_names import issue_with_bucket_name
from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.tables.handlers import Handler

_PARTS: tuple[KeyPath, ...] = (("general", "project_name"), ("general", "object_prefix"), ("general", "stages"))
_SHORTEN = "Shorten general.project_name, general.object_prefix or the stage's name"
_SECRET_NAMES = {"secretsmanager": r"[A-Za-z0-9/_+=.@-]{1,512}", "ssm": r"[A-Za-z0-9_./-]{1,900}"}

_LONGEST_STACK = 128
_LONGEST_FUNCTION = 64
_LONGEST_QUEUE = 80


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with the names of one stage's resources."""
    yield from _bucket(stage)
    yield from _secret(stage)
    if len(stage.stack_name) > _LONGEST_STACK:
        message = _too_long("stack", stage.stack_name, _LONGEST_STACK)
        yield Issue(("general", "project_name"), "stack-length", message, f"{_SHORTEN}.", _PARTS)
    yield from _handlers(stage)


def _too_long(what: str, name: str, most: int) -> str:
    return f'The name of the {what}, "{name}", has {len(name)} characters; AWS allows at most {most}.'


def _bucket(stage: StageConfig) -> Iterator[Issue]:
    issue = issue_with_bucket_name(stage.bucket_name) if stage.bucket_name is not None else ""
    if issue:
        message = f'S3 does not allow the bucket name "{stage.bucket_name}": expected {issue}.'
        hint = "Set s3.bucket_name_format, or change the names in it."
        yield Issue(("s3", "bucket_name_format"), "bucket-name", message, hint, _PARTS)


def _secret(stage: StageConfig) -> Iterator[Issue]:
    path: KeyPath = ("awscontainer", "secretsmanager", "pocket_key_format")
    store = stage.secretsmanager.store
    if not stage.generated_secrets:
        return
    if not re.fullmatch(_SECRET_NAMES[store], stage.pocket_key):
        message = f'The store does not allow the name "{stage.pocket_key}": expected letters, digits and /_+=.@-.'
        if store == "ssm":
            message = f'The store does not allow the name "{stage.pocket_key}": expected letters, digits and /_.-.'
        yield Issue(path, "secret-name", message, "", _PARTS)
    elif store == "ssm" and re.match(r"/?(aws|ssm)", stage.pocket_key, re.IGNORECASE):
        message = f'Parameter Store reserves names that start with "aws" or "ssm"; found "{stage.pocket_key}".'
        yield Issue(path, "secret-name", message, "", _PARTS)


def _handlers(stage: StageConfig) -> Iterator[Issue]:
    taken: dict[str, str] = {}
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    for name, handler in handlers.items():
        path: KeyPath = ("awscontainer", "handlers", name)
        function = stage.function_name(name)
        if len(function) > _LONGEST_FUNCTION:
            hint = f"{_SHORTEN}, or the handler's."
            message = _too_long("function", function, _LONGEST_FUNCTION)
            yield Issue(path, "function-length", message, hint, _PARTS)
        elif handler.sqs is not None:
            queue = stage.dead_letters_name(name, fifo=handler.sqs.fifo)
            if len(queue) > _LONGEST_QUEUE:
                hint = f"{_SHORTEN}, or the handler's."
                yield Issue(path, "queue-length", _too_long("queue", queue, _LONGEST_QUEUE), hint, _PARTS)
        for identity in _identities(stage, name, handler):
            if identity in taken:
                message = f'The handlers "{taken[identity]}" and "{name}" would share the name {identity}.'
                yield Issue(path, "same-name", message, "Rename one of them.")
                break
            taken[identity] = name


def _identities(stage: StageConfig, name: str, handler: Handler) -> Iterator[str]:
    """What must be unique among a stage's handlers: the stem of their variables and resources, and their queues."""
    yield naming.host_key(name)
    yield naming.logical_id(name)
    if handler.sqs is not None:
        yield naming.logical_id(name, "Fifo" if handler.sqs.fifo else "", "Queue")
        yield stage.queue_name(name, fifo=handler.sqs.fifo)
        yield stage.dead_letters_name(name, fifo=handler.sqs.fifo)


def shared_names(stages: Sequence[StageConfig]) -> Iterator[tuple[str, Issue]]:
    """The issues with stages that would share a stack, a bucket or generated secrets."""
    taken: dict[tuple[str, ...], str] = {}
    for stage in stages:
        for what, name, place, path in _named(stage):
            other = taken.setdefault((what, name, *place), stage.name)
            if other != stage.name:
                message = f'The stages {other} and {stage.name} would share the {what} "{name}".'
                hint = "Add {stage} to the format." if str(path[-1]).endswith("_format") else ""
                yield stage.name, Issue(path, "shared", message, hint)


def _named(stage: StageConfig) -> Iterator[tuple[str, str, tuple[str, ...], KeyPath]]:
    """What of a stage has a name: what it is, its name, where the name must be unique, and the key it comes from."""
    yield "stack", stage.stack_name, (stage.region,), ("general", "object_prefix")
    for name in stage.awscontainer.handlers if stage.awscontainer else ():
        # With stages `dev` and `dev-b` of project `b`, the handler `b-web` of one is the handler `web` of the other.
        yield "function", stage.function_name(name), (stage.region,), ("awscontainer", "handlers", name)
    if stage.bucket_name is not None:
        yield "bucket", stage.bucket_name, (), ("s3", "bucket_name_format")
    if stage.generated_secrets:
        place = (stage.region, stage.secretsmanager.store)
        path = ("awscontainer", "secretsmanager", "pocket_key_format")
        yield "generated secrets", stage.pocket_key, place, path
