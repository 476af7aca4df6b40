"""The running environments of all functions: which of them end, and when."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pocket.local.launcher.emulator import module

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pocket.local.launcher.execution import Worker

IDLE_SECONDS = 900.0
"""After which an unused environment ends, roughly as on AWS."""

LEFT_SECONDS = 60.0
"""The same for a version without an alias: of an earlier release, or a candidate of the gates."""


def end(workers: Iterable[Worker | None]) -> None:
    """End workers; those that answer an event end after it, as on AWS."""
    for worker in workers:
        if worker is not None:
            worker.kill()


def end_all() -> None:
    """End every worker at once, busy or not."""
    pool = module("core.lambda_runtime")
    with pool._lock:
        doomed = [worker for entries in pool._workers.values() for worker in entries]
        pool._workers.clear()
    for worker in doomed:
        worker.kill(now=True)


def end_idle(idle_seconds: float | None = None, left_seconds: float | None = None) -> int:
    """End workers that were not used for a while, sooner those of versions without an alias; returns how many."""
    pool, now, idle = module("core.lambda_runtime"), time.time(), []
    lasting = IDLE_SECONDS if idle_seconds is None else idle_seconds
    leaving = LEFT_SECONDS if left_seconds is None else left_seconds
    with pool._lock:
        for key, entries in list(pool._workers.items()):
            limits = {id(worker): leaving if _is_left(worker.config) else lasting for worker in entries}
            idle += [one for one in entries if not one.in_use and now - one.last_used > limits[id(one)]]
            pool._workers[key] = [worker for worker in entries if worker not in idle]
            if not pool._workers[key]:
                del pool._workers[key]
    end(idle)
    return len(idle)


def _is_left(config: dict[str, Any]) -> bool:
    """Whether it is a published version that no alias of its function names."""
    version = config.get("Version", "$LATEST")
    if version == "$LATEST":
        return False
    _, _, _, region, account, *_ = config["FunctionArn"].split(":")
    function = module("services.lambda_svc")._functions.get_scoped(account, region, config["FunctionName"], None)
    aliases = (function or {}).get("aliases", {}).values()
    return version not in {alias.get("FunctionVersion") for alias in aliases}
