"""The calls that `set_envs()` needs, made in a thread while the main thread imports Django.

The thread's modules are imported before it starts, since two threads that import modules which import each other may
see a partially initialized module.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pocket.runtime import aws, secret_values, variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.manifest import Manifest, Stage
    from pocket.runtime.variables import Fetched

__all__ = ["aws", "secret_values", "start", "take"]


class _Prefetch(threading.Thread):
    def __init__(self, manifest: Manifest, stage: Stage, environ: Mapping[str, str]) -> None:
        super().__init__(name="pocket-prefetch", daemon=True)
        self.arguments = manifest, stage, environ
        self.until = time.monotonic() + aws.DEADLINE + GRACE
        self.fetched: Fetched | None = None
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            self.fetched = variables.fetch(*self.arguments)
        except Exception as error:  # noqa: BLE001 - `take` raises it
            self.failure = error

    def unanswered(self) -> Exception:
        _, stage, environ = self.arguments
        return variables.unanswered(stage, environ, aws.DEADLINE)


GRACE = 0.5
"""Seconds in addition to the calls' deadline, which does not bound everything, such as DNS."""

_pending: list[_Prefetch] = []


def start(manifest: Manifest, stage: Stage, environ: Mapping[str, str]) -> None:
    """Makes the stage's calls in a thread, if it has any and they are not running already."""
    if not _pending and variables.needs_calls(stage, environ):
        thread = _Prefetch(manifest, stage, variables.injected(environ))
        _pending.append(thread)
        thread.start()


def take() -> Fetched | None:
    """Waits for the calls and returns their result; None without calls, or where it was taken before.

    Raises AWSCallFailed if the calls failed. There are no more retries: Lambda would end INIT before the error is
    reported.
    """
    if not _pending:
        return None
    thread = _pending.pop()
    thread.join(max(0.0, thread.until - time.monotonic()))
    failure = thread.unanswered() if thread.is_alive() else thread.failure
    if failure is not None:
        raise failure
    return thread.fetched
