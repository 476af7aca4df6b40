"""The message that carries a task, and the object in the stage's bucket that carries large arguments.

    {"task": "bbs.tasks.send_digest", "id": "…", "args": [7], "kwargs": {}, "queue": "default", "backend": "default",
     "priority": 0, "enqueued": "2026-01-01T00:00:00+00:00"}

In place of `args` and `kwargs` it may have `object`, the key of a JSON object with both.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from pocket import naming
from pocket.errors import CommandFailed

_OBJECT_KEY = re.compile(rf"{re.escape(naming.TASK_OBJECTS)}[A-Za-z0-9]{{1,64}}\.json")
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_OPTIONAL: dict[str, Any] = {"args": [], "kwargs": {}, "object": "", "priority": 0, "backend": "default"}


class Envelope(NamedTuple):
    """A task's message, read back; `object` is "" where the arguments are in the message."""

    task: str
    id: str
    args: list[Any]
    kwargs: dict[str, Any]
    object: str
    queue: str
    backend: str
    priority: int
    enqueued: str

    def body(self) -> str:
        """The message as ASCII: SQS refuses some characters that JSON's escapes can say."""
        fields = self._asdict()
        for name in ("args", "kwargs") if self.object else ("object",):
            del fields[name]
        return json.dumps(fields, allow_nan=False)

    def arguments(self) -> bytes:
        """The content of the object for large arguments."""
        return json.dumps({"args": self.args, "kwargs": self.kwargs}, allow_nan=False).encode()


def is_task(body: object) -> bool:
    """Whether a message's decoded JSON carries a task rather than a command."""
    return isinstance(body, dict) and "task" in body


def parse(body: dict[str, Any]) -> Envelope:
    """The task's message; raises CommandFailed where a part of it is missing or of another type."""
    fields = {**_OPTIONAL, **body}
    kinds = Envelope.__annotations__
    wanted = {"args": list, "kwargs": dict, "priority": int}
    for name in kinds:
        if not isinstance(fields.get(name), wanted.get(name, str)):
            raise CommandFailed(
                f'The message does not say which task to run: "{name}" is missing or of another type.',
                "Enqueue tasks with Django's API; Pocket's backend sends what this handler takes.",
                exit_status=2,
            )
    if not JOB_ID.fullmatch(fields["id"]) or not -100 <= fields["priority"] <= 100:
        raise CommandFailed("The message's id or priority is not that of a task.", exit_status=2)
    if fields["object"] and not _OBJECT_KEY.fullmatch(fields["object"]):
        raise CommandFailed("The message's arguments are at a place that is not Pocket's.", exit_status=2)
    return Envelope(**{name: fields[name] for name in kinds})


def with_arguments(envelope: Envelope, content: bytes) -> Envelope:
    """The message with the arguments that its object holds; raises CommandFailed for other content."""
    try:
        data = json.loads(content)
        args, kwargs = data["args"], data["kwargs"]
    except (KeyError, TypeError, ValueError):
        args = kwargs = None
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise CommandFailed(f"The object {envelope.object} does not hold a task's arguments.", exit_status=2)
    return envelope._replace(args=args, kwargs=kwargs)
