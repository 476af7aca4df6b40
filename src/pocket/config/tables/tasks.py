"""`[awscontainer.tasks]`: Django's queues of tasks, and the handlers that run them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from pocket.config import patterns
from pocket.config.tables.table import HandlerName, Text, refused

LOWEST_PRIORITY, HIGHEST_PRIORITY = -100, 100
"""Django's limits of a task's priority."""

Priority = Annotated[int, Field(ge=LOWEST_PRIORITY, le=HIGHEST_PRIORITY)]


def _handlers(value: object) -> object:
    if isinstance(value, dict) and value:
        return value
    if isinstance(value, str) and re.match(patterns.HANDLER, value):
        return {value: LOWEST_PRIORITY}
    raise refused("the name of a handler, or a table with the lowest priority of each handler")


Tasks = dict[
    Text,
    Annotated[
        dict[HandlerName, Priority],
        BeforeValidator(_handlers, json_schema_input_type=HandlerName | dict[HandlerName, Priority]),
    ],
]
"""By Django's name of a queue: its handler, or its handlers with the lowest priority of the tasks that each runs."""
