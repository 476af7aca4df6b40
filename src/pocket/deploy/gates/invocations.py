"""Invocations of a candidate's versions, side by side: each is the first of its function and begins with a start."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

from pocket.deploy.aws.invoke import GRACE, once_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.deploy.gates.gate import Candidate

Answers = Mapping[str, "Future[dict[str, Any]]"]
"""What Lambda returns to the event of each handler, with the payload as text."""

_PARALLEL = 4


@contextmanager
def invoked(candidate: Candidate, *groups: Mapping[str, Mapping[str, Any]]) -> Iterator[list[Answers]]:
    """The answers to each group of events by handler; at the end of the block no other begins."""
    pool, stop = ThreadPoolExecutor(_PARALLEL), Event()
    try:
        yield [
            {handler: _invoke(pool, candidate, handler, event, stop) for handler, event in events.items()}
            for events in groups
        ]
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _invoke(
    pool: ThreadPoolExecutor, candidate: Candidate, handler: str, event: Mapping[str, Any], stop: Event
) -> Future[dict[str, Any]]:
    container = candidate.stage.awscontainer
    timeout = container.handlers[handler].timeout if container is not None else 0
    # Made here, since only the use of a client is safe in threads.
    client = candidate.clients.invoker(timeout + GRACE)

    def invoke() -> dict[str, Any]:
        function, version = candidate.stage.function_name(handler), candidate.versions[handler]
        answer = once_ready(client, function, version, event, stop=stop)
        return {**answer, "Payload": answer["Payload"].read().decode(errors="replace")}

    return pool.submit(invoke)
