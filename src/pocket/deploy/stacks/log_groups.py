"""The log groups of a stage's functions: their lines, in order and without duplicates."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.inputs import log_group_name
from pocket.errors import AWSCallFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients

OVERLAP_MS = 15_000
"""How far before the last line a poll starts: CloudWatch delivers lines some seconds late."""


@dataclass(frozen=True)
class LogLine:
    """One line of a handler's log; `time` is in UTC."""

    time: datetime
    handler: str
    message: str


def recent_lines(clients: Clients, stage: StageConfig, handler: str) -> list[LogLine]:
    """The lines that one handler logged in the last five minutes."""
    return Tail(clients, stage, int((time.time() - 300) * 1000), [handler]).fresh()


class Tail:
    """The lines of some handlers' log groups from a time on, each returned once.

    A line is identified by its event id. The local AWS has no event ids: there by its stream, time and text, and
    equal lines of one moment by their number.
    """

    def __init__(self, clients: Clients, stage: StageConfig, start: int, handlers: list[str] | None = None) -> None:
        declared = stage.awscontainer.handlers if stage.awscontainer else {}
        self._groups = {name: log_group_name(stage, name) for name in (declared if handlers is None else handlers)}
        self._clients = clients
        self._start = start
        self._given: dict[tuple[object, ...], int] = {}
        self.found = False
        self.missing: set[str] = set()

    def fresh(self) -> list[LogLine]:
        """The lines since the last call, oldest first."""
        found: list[tuple[int, LogLine]] = []
        newest = self._start
        for handler, group in self._groups.items():
            counts: Counter[tuple[object, ...]] = Counter()
            for item in self._events(group):
                stamp, message = item["timestamp"], item["message"].rstrip("\n")
                facts = (group, item.get("eventId") or (item.get("logStreamName"), stamp, message))
                counts[facts] += 1
                newest = max(newest, stamp)
                if (*facts, counts[facts]) not in self._given:
                    self._given[(*facts, counts[facts])] = stamp
                    found.append((stamp, LogLine(datetime.fromtimestamp(stamp / 1000, UTC), handler, message)))
        self._start = max(self._start, newest - OVERLAP_MS)
        self._given = {key: stamp for key, stamp in self._given.items() if stamp >= self._start}
        return [line for _, line in sorted(found, key=lambda item: item[0])]

    def _events(self, group: str) -> Iterator[Mapping[str, Any]]:
        pages = self._clients.logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=self._start
        )
        try:
            for page in pages:
                self.found = True
                yield from page["events"]
        except AWSCallFailed as error:
            if error.code != "ResourceNotFoundException":
                raise
            self.missing.add(group)
