"""Rules for `[awscontainer.tasks]`: each queue of tasks has handlers that can run them."""

from __future__ import annotations

from collections.abc import Iterator

from pocket import naming
from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.suggestions import nearest


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with every queue of tasks."""
    container = stage.awscontainer
    if container is None:
        return
    for queue, handlers in container.tasks.items():
        path: KeyPath = ("awscontainer", "tasks", queue)
        for name in handlers:
            declared = container.handlers.get(name)
            table: KeyPath = ("awscontainer", "handlers", name)
            if declared is None:
                message = f'There is no handler "{name}".'
                hint = nearest(name, container.handlers) or f"Add [awscontainer.handlers.{name}] with sqs = {{}}."
                yield Issue(path, "handler", message, hint, (table,))
            elif declared.command != naming.SQS_MANAGEMENT_HANDLER:
                message = f'The handler "{name}" does not run tasks.'
                hint = f'Name a handler with command = "{naming.SQS_MANAGEMENT_HANDLER}".'
                yield Issue(path, "handler", message, hint, ((*table, "command"),))
        if len(set(handlers.values())) < len(handlers):
            message = "Two handlers of a queue cannot begin at the same priority."
            yield Issue(path, "priority", message, "Give each handler another lowest priority.")
