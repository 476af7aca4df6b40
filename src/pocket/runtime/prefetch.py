"""The calls that `set_envs()` needs, sent before Django is imported and joined when their answer is needed.

A thread waits for the network while the main thread imports. What the thread uses is imported before it starts: two
threads that import modules which import each other may see one of them half made.
"""

from __future__ import annotations

import threading
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
        self.fetched: Fetched | None = None

    def run(self) -> None:
        try:
            self.fetched = registration.fetch(*self.arguments)
        except Exception:  # noqa: BLE001 - whoever takes the answer makes the call again, and raises what it raises
            self.fetched = None


_pending: list[_Prefetch] = []


def start(manifest: Manifest, stage: Stage, environ: Mapping[str, str]) -> None:
    """Sends the stage's calls in a thread, if it has any and none is under way."""
    if not _pending and registration.needs_calls(stage, environ):
        thread = _Prefetch(manifest, stage, dict(environ))
        _pending.append(thread)
        thread.start()


def take() -> Fetched | None:
    """The answer, once it is there; None where nothing was sent, or where it failed: then the caller calls itself."""
    if not _pending:
        return None
    thread = _pending.pop()
    thread.join()
    return thread.fetched
