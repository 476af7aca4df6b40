"""The calls that `set_envs()` needs, sent before Django is imported and joined when their answer is needed.

A thread waits for the network while the main thread imports. What the thread uses is imported before it starts: two
threads that import modules which import each other may see one of them half made.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pocket.runtime import aws, registration, secret_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.manifest import Manifest, Stage
    from pocket.runtime.registration import Fetched

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
            self.fetched = registration.fetch(*self.arguments)
        except Exception as error:  # noqa: BLE001 - whoever takes the answer raises it
            self.failure = error

    def unanswered(self) -> Exception:
        _, stage, environ = self.arguments
        return registration.unanswered(stage, environ, aws.DEADLINE)


GRACE = 0.5
"""Seconds beyond the calls' own deadline, which does not bind everything: looking up a name takes what it takes."""

_pending: list[_Prefetch] = []


def start(manifest: Manifest, stage: Stage, environ: Mapping[str, str]) -> None:
    """Sends the stage's calls in a thread, if it has any and none is under way."""
    if not _pending and registration.needs_calls(stage, environ):
        thread = _Prefetch(manifest, stage, registration.injected(environ))
        _pending.append(thread)
        thread.start()


def take() -> Fetched | None:
    """The answer, once it is there; None where nothing was sent, or it was taken before.

    Raises AWSCallFailed where the calls failed. They are not made again at once: INIT would not last for it, and Lambda
    would end the function before anything was said.
    """
    if not _pending:
        return None
    thread = _pending.pop()
    thread.join(max(0.0, thread.until - time.monotonic()))
    failure = thread.unanswered() if thread.is_alive() else thread.failure
    if failure is not None:
        raise failure
    return thread.fetched
