"""The running environments of all functions: which of them end, and when."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from pocket.local.launcher.emulator import module

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from pocket.local.launcher.execution import Worker

settled = threading.Lock()
"""Held while environments are replaced: an event that comes meanwhile waits for the new ones."""

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


def start(functions: Sequence[str]) -> None:
    """Start an environment of each function, by its ARN with an alias, that has none. Raises InvocationFailed."""
    pool, service = module("core.lambda_runtime"), module("services.lambda_svc")
    for arn in functions:
        record, config, name = service._get_func_record_for_ref(arn)
        if record is None or config is None or _has_environment(name, config["Version"]):
            continue
        worker, _ = pool.acquire_worker(name, config, record["code_zip"], qualifier=config["Version"])
        try:
            worker.start()
        finally:
            pool.release_worker(worker)


def replace(functions: AbstractSet[str], first: Sequence[str]) -> None:
    """End environments of `functions` once new ones of `first`, as for `start`, are there.

    Raises InvocationFailed where one does not start; all stay as they were, then.
    """
    pool = module("core.lambda_runtime")
    before = _without(functions)
    try:
        start(first)
    except BaseException:
        failed = _without(functions)
        with pool._lock:
            pool._workers.update(before)
        end(worker for entries in failed.values() for worker in entries)
        raise
    end(worker for entries in before.values() for worker in entries)


def end_outdated(functions: AbstractSet[str]) -> None:
    """End environments of `functions` that run from other files than new ones would."""
    pool = module("core.lambda_runtime")
    with pool._lock:
        outdated = []
        for key, entries in list(pool._workers.items()):
            outdated += [worker for worker in entries if worker.func_name in functions and not worker.is_current]
            pool._workers[key] = [worker for worker in entries if worker not in outdated]
    end(outdated)


def _has_environment(function: str, version: str) -> bool:
    pool = module("core.lambda_runtime")
    with pool._lock:
        workers = [worker for entries in pool._workers.values() for worker in entries]
    return any(worker.func_name == function and worker.config.get("Version") == version for worker in workers)


def _without(functions: AbstractSet[str]) -> dict[Any, list[Worker]]:
    """Take the environments of `functions` out of the pool."""
    pool = module("core.lambda_runtime")
    with pool._lock:
        keys = [
            key for key, entries in pool._workers.items() if any(worker.func_name in functions for worker in entries)
        ]
        return {key: pool._workers.pop(key) for key in keys}


def is_live(config: Mapping[str, Any]) -> bool:
    """Whether it is a version that an alias of its function names."""
    return config.get("Version", "$LATEST") != "$LATEST" and not _is_left(config)


def _is_left(config: Mapping[str, Any]) -> bool:
    """Whether it is a published version that no alias of its function names."""
    version = config.get("Version", "$LATEST")
    if version == "$LATEST":
        return False
    _, _, _, region, account, *_ = config["FunctionArn"].split(":")
    function = module("services.lambda_svc")._functions.get_scoped(account, region, config["FunctionName"], None)
    aliases = (function or {}).get("aliases", {}).values()
    return version not in {alias.get("FunctionVersion") for alias in aliases}
