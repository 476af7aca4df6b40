"""Names that AWS gives a length and an alphabet: buckets, stacks, functions, queues, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pocket import naming
from pocket.config.bucket_names import fault_of_bucket_name
from pocket.config.faults import Fault
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.tables.handlers import Handler

_PARTS: tuple[KeyPath, ...] = (("general", "project_name"), ("general", "object_prefix"), ("general", "stages"))
_SHORTEN = "Shorten general.project_name, general.object_prefix or the stage's name"
_SECRET_NAMES = {"secretsmanager": r"[A-Za-z0-9/_+=.@-]{1,512}", "ssm": r"[A-Za-z0-9_./-]{1,900}"}

_LONGEST_STACK = 128
_LONGEST_FUNCTION = 64
_LONGEST_QUEUE = 80


def faults(stage: StageConfig) -> Iterator[Fault]:
    """The faults of the names that one stage's resources get."""
    yield from _bucket(stage)
    yield from _secret(stage)
    if len(stage.stack_name) > _LONGEST_STACK:
        message = _too_long("stack", stage.stack_name, _LONGEST_STACK)
        yield Fault(("general", "project_name"), "stack-length", message, f"{_SHORTEN}.", _PARTS)
    yield from _handlers(stage)


def _too_long(what: str, name: str, most: int) -> str:
    return f'The {what} would be called "{name}", which has {len(name)} characters; AWS takes at most {most}.'


def _bucket(stage: StageConfig) -> Iterator[Fault]:
    fault = fault_of_bucket_name(stage.bucket_name) if stage.bucket_name is not None else ""
    if fault:
        message = f'S3 would refuse the bucket\'s name "{stage.bucket_name}": expected {fault}.'
        hint = "Set s3.bucket_name_format, or change the names that it is made of."
        yield Fault(("s3", "bucket_name_format"), "bucket-name", message, hint, _PARTS)


def _secret(stage: StageConfig) -> Iterator[Fault]:
    path: KeyPath = ("awscontainer", "secretsmanager", "pocket_key_format")
    store = stage.secretsmanager.store
    if not stage.secretsmanager.pocket_secrets:
        return
    if not re.fullmatch(_SECRET_NAMES[store], stage.pocket_key):
        message = f'The name "{stage.pocket_key}" is none that the store takes: expected letters, digits and /_+=.@-.'
        if store == "ssm":
            message = f'The name "{stage.pocket_key}" is none that the store takes: expected letters, digits and /_.-.'
        yield Fault(path, "secret-name", message, "", _PARTS)
    elif store == "ssm" and re.match(r"/?(aws|ssm)", stage.pocket_key, re.IGNORECASE):
        message = f'Parameter Store keeps names that begin with "aws" or "ssm" for itself; found "{stage.pocket_key}".'
        yield Fault(path, "secret-name", message, "", _PARTS)


def _handlers(stage: StageConfig) -> Iterator[Fault]:
    taken: dict[str, str] = {}
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    for name, handler in handlers.items():
        path: KeyPath = ("awscontainer", "handlers", name)
        function = stage.function_name(name)
        if len(function) > _LONGEST_FUNCTION:
            hint = f"{_SHORTEN}, or the handler's."
            message = _too_long("function", function, _LONGEST_FUNCTION)
            yield Fault(path, "function-length", message, hint, _PARTS)
        elif handler.sqs is not None:
            queue = stage.dead_letters_name(name, fifo=handler.sqs.fifo)
            if len(queue) > _LONGEST_QUEUE:
                hint = f"{_SHORTEN}, or the handler's."
                yield Fault(path, "queue-length", _too_long("queue", queue, _LONGEST_QUEUE), hint, _PARTS)
        for identity in _identities(stage, name, handler):
            if identity in taken:
                message = f'The handlers "{taken[identity]}" and "{name}" would both be {identity}.'
                yield Fault(path, "same-name", message, "Rename one of them.")
                break
            taken[identity] = name


def _identities(stage: StageConfig, name: str, handler: Handler) -> Iterator[str]:
    """What no two handlers of a stage may share: the stem of their variables and resources, and their queues."""
    yield naming.host_key(name)
    yield naming.logical_id(name)
    if handler.sqs is not None:
        yield stage.queue_name(name, fifo=handler.sqs.fifo)
        yield stage.dead_letters_name(name, fifo=handler.sqs.fifo)


def shared_names(stages: Sequence[StageConfig]) -> Iterator[tuple[str, Fault]]:
    """Two stages that would have the same stack, the same bucket or the same generated secrets."""
    taken: dict[tuple[str, ...], str] = {}
    for stage in stages:
        for what, name, place, path in _named(stage):
            other = taken.setdefault((what, name, *place), stage.name)
            if other != stage.name:
                message = f'The stages {other} and {stage.name} would share the {what} "{name}".'
                hint = "Put {stage} into the format." if path[-1] != "object_prefix" else ""
                yield stage.name, Fault(path, "shared", message, hint)


def _named(stage: StageConfig) -> Iterator[tuple[str, str, tuple[str, ...], KeyPath]]:
    """What of a stage has a name of its own: what it is, its name, where the name must be free, the key it is from."""
    yield "stack", stage.stack_name, (stage.region,), ("general", "object_prefix")
    if stage.bucket_name is not None:
        yield "bucket", stage.bucket_name, (), ("s3", "bucket_name_format")
    if stage.secretsmanager.pocket_secrets:
        place = (stage.region, stage.secretsmanager.store)
        path = ("awscontainer", "secretsmanager", "pocket_key_format")
        yield "generated secrets", stage.pocket_key, place, path
