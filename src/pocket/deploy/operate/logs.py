"""The log lines of a stage's functions."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from pocket.deploy.aws.session import Clients
from pocket.deploy.stacks.log_groups import Tail
from pocket.deploy.stacks.stack import find, template_of
from pocket.deploy.template.own_resources import is_own
from pocket.deploy.template.steps import LOGS
from pocket.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.config import StageConfig
    from pocket.deploy.stacks.log_groups import LogLine
    from pocket.deploy.target import Target

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """`"30s"`, `"10m"`, `"2h"` or `"1d"` in seconds. Raises DeployError for anything else."""
    match = re.fullmatch(r"([0-9]+)([smhd])", text.strip())
    if match is None:
        raise DeployError(f"{text!r} is not a duration.", "Use a number and s, m, h or d: 30s, 10m, 2h, 1d.")
    return int(match.group(1)) * _UNITS[match.group(2)]


def read(stage: StageConfig, target: Target, *, since: int = 600, follow: bool = False) -> Iterator[LogLine]:
    """The stage's log lines of the last `since` seconds, oldest first; with `follow`, new ones without end.

    Raises DeployError if the stage is not deployed and, after the lines of the other log groups, if a log group was
    deleted by hand.
    """
    clients = Clients(target)
    start = int((time.time() - since) * 1000)
    tail = Tail(clients, stage, start)
    yield from tail.fresh()
    if tail.missing:
        _refuse_missing(clients, stage, tail)
    while follow:
        time.sleep(2.0 if target.endpoint_url is None else 0.3)
        yield from tail.fresh()


def _refuse_missing(clients: Clients, stage: StageConfig, tail: Tail) -> None:
    """Raises DeployError if a log group of the stack is missing, or the stack itself."""
    stack = find(clients, stage.stack_name)
    resources = template_of(clients, stack).get("Resources", {}).values() if stack is not None else ()
    made = {item["Properties"].get("LogGroupName") for item in resources if item["Type"] == LOGS and not is_own(item)}
    if gone := sorted(made & tail.missing):
        listed = "; ".join(
            f"aws logs create-log-group --region {stage.region} --log-group-name {name}" for name in gone
        )
        raise DeployError(
            f"Stage {stage.name!r} has no log group {', '.join(gone)}: deleted outside Pocket. Nothing is logged.",
            f"Create it again: {listed}",
        )
    if not tail.found:
        raise DeployError(f"Stage {stage.name!r} is not deployed.", f"pocket deploy --stage {stage.name}")
