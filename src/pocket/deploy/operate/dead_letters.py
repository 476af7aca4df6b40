"""Looks at a stage's dead-letter queues, and moves their messages back to the queues they came from."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pocket.deploy.aws.session import Clients
from pocket.deploy.stacks.losses import ABSENT_QUEUE, depth
from pocket.errors import AWSCallFailed, DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from pocket.config import StageConfig
    from pocket.deploy.target import Target

HELD_SECONDS = 600
"""How long the messages are hidden while the user looks at them."""

MOST = 1000
"""The messages of one queue that are looked at in one go."""


@dataclass(frozen=True)
class DeadLetter:
    """A message of a handler's dead-letter queue. `reason` is "" for one that SQS itself moved there."""

    handler: str
    job: str
    name: str
    reason: str
    attempts: str
    failed_at: str
    message: MessageTypeDef


class Held(NamedTuple):
    """Dead letters, and about how many more SQS did not give.

    Those are beyond MOST, or, in a FIFO queue, behind the first ones of their message group.
    """

    letters: list[DeadLetter]
    unread: int


@contextmanager
def held(
    stage: StageConfig, target: Target, *, handler: str | None, name: str | None, job: str | None
) -> Iterator[Held]:
    """The dead letters of the stage, or those of one handler, name or job; hidden from others meanwhile.

    Those that are still there at the end are visible again. Raises DeployError for an unknown handler.
    """
    clients = Clients(target)
    found: list[DeadLetter] = []
    unread = 0
    try:
        for key, fifo in _queues(stage, handler):
            queue = stage.dead_letters_name(key, fifo=fifo)
            received = _received(clients, key, queue)
            found += received
            if len(received) >= (1 if fifo else MOST):
                unread += depth(clients, queue)[0]
        yield Held([item for item in found if name in {None, item.name} and job in {None, item.job}], unread)
    finally:
        for item in found:
            _show_again(clients, stage, item)


def redrive(stage: StageConfig, target: Target, letters: Sequence[DeadLetter]) -> int:
    """Sends each message to its handler's queue, then deletes it here; returns their number.

    A message that was sent and could not be deleted comes twice, which a recorded job bears.
    """
    clients = Clients(target)
    for item in letters:
        fifo = _is_fifo(stage, item.handler)
        message, group = item.message, {}
        if fifo:
            attributes = message.get("Attributes", {})
            group = {
                "MessageGroupId": attributes.get("MessageGroupId", "pocket"),
                "MessageDeduplicationId": str(message["MessageId"]),
            }
        clients.sqs.send_message(
            QueueUrl=_url(clients, stage.queue_name(item.handler, fifo=fifo)),
            MessageBody=message["Body"],
            MessageAttributes=_sendable(message),
            **group,  # type: ignore[arg-type]  # the stubs want each argument by itself
        )
        dead = _url(clients, stage.dead_letters_name(item.handler, fifo=fifo))
        clients.sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
    return len(letters)


def last_reason(clients: Clients, queue: str) -> tuple[str, str]:
    """Time and reason of the newest of up to ten messages of a dead-letter queue; "" where there is none."""
    messages = _receive(clients, _url(clients, queue), seconds=0)
    letters = sorted((_letter("", item) for item in messages), key=lambda item: item.failed_at)
    return (letters[-1].failed_at, letters[-1].reason) if letters else ("", "")


def _queues(stage: StageConfig, handler: str | None) -> list[tuple[str, bool]]:
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    queues = [(key, item.sqs.fifo) for key, item in handlers.items() if item.sqs and handler in {None, key}]
    if not queues:
        what = f"The handler {handler!r} has no queue" if handler else "No handler has a queue"
        raise DeployError(f"{what} in stage {stage.name!r}.", "Name a handler with a table sqs.")
    return queues


def _is_fifo(stage: StageConfig, handler: str) -> bool:
    return next(fifo for key, fifo in _queues(stage, handler) if key == handler)


def _url(clients: Clients, queue: str) -> str:
    return clients.sqs.get_queue_url(QueueName=queue)["QueueUrl"]


def _received(clients: Clients, handler: str, queue: str) -> list[DeadLetter]:
    try:
        url = _url(clients, queue)
    except AWSCallFailed as error:
        if error.code in ABSENT_QUEUE:
            return []
        raise
    found: dict[str, DeadLetter] = {}
    while len(found) < MOST:
        messages = _receive(clients, url, seconds=HELD_SECONDS)
        if not messages:
            break
        found.update({str(item["MessageId"]): _letter(handler, item) for item in messages})
    return list(found.values())


def _receive(clients: Clients, url: str, *, seconds: int) -> list[MessageTypeDef]:
    answer = clients.sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=seconds,
        WaitTimeSeconds=1,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return answer.get("Messages", [])


def _letter(handler: str, message: MessageTypeDef) -> DeadLetter:
    attributes = {name: str(item.get("StringValue", "")) for name, item in message.get("MessageAttributes", {}).items()}
    name, job = _carried(message.get("Body", ""))
    return DeadLetter(
        handler=handler,
        job=attributes.get("PocketJob") or job or str(message["MessageId"]),
        name=attributes.get("PocketName", "-").strip("-") or name,
        reason=attributes.get("PocketReason", ""),
        attempts=attributes.get("PocketAttempts", "-"),
        failed_at=attributes.get("PocketFailedAt", ""),
        message=message,
    )


def _carried(body: str) -> tuple[str, str]:
    """The name and the id of the task or command that a message carries."""
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        return "-", ""
    return str(data.get("task") or data.get("command") or "-"), str(data.get("id") or "")


def _sendable(message: MessageTypeDef) -> Any:
    return {
        name: {"DataType": item["DataType"], "StringValue": item["StringValue"]}
        for name, item in message.get("MessageAttributes", {}).items()
        if "StringValue" in item
    }


def _show_again(clients: Clients, stage: StageConfig, item: DeadLetter) -> None:
    dead = stage.dead_letters_name(item.handler, fifo=_is_fifo(stage, item.handler))
    try:
        clients.sqs.change_message_visibility(
            QueueUrl=_url(clients, dead), ReceiptHandle=item.message["ReceiptHandle"], VisibilityTimeout=0
        )
    except AWSCallFailed as error:
        # It was moved back and deleted.
        if error.code not in {"InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid"}:
            raise
