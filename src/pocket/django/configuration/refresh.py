"""Reads the stage's secrets again in a long-running process: after the `refresh` interval, a SnapStart restore, or a
refused password."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from pocket.django import runtime
from pocket.django.configuration import databases, source
from pocket.django.signals import secrets_changed
from pocket.errors import AWSCallFailed
from pocket.runtime import secret_values, variables

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.manifest import Manifest, Stage

logger = logging.getLogger("pocket.secrets")

RETRY = 60
"""Maximum seconds until a failed refresh is first tried again; the known values stay in use."""

DEADLINE = 2.0
"""Seconds that a request may wait for a refresh; after that the known values are used."""

AGAIN = 5
"""Seconds between two reads after a refused password: a rotation changes the database first, then the secret."""


def checker() -> Callable[[], None] | None:
    """A function to call before each invocation; None where the stage's secrets are read once only.

    While AWS does not respond, the pause between attempts grows to the stage's `refresh` interval, or to RETRY seconds
    if that is longer.
    """
    name = source.stage_name()
    known = runtime.registered(name)
    if name is None or known is None:
        return None
    every = source.stage(source.manifest()[0], name).secret_refresh
    if not every or not known.secrets:
        return None
    not_before = 0.0
    pause = shortest = min(every, RETRY)

    def check() -> None:
        nonlocal not_before, pause
        known = runtime.registered(name)
        now = time.time()
        if now < not_before or known is None or now < known.at + every:
            return
        if refresh():
            pause = shortest
        else:
            not_before = time.time() + pause
            pause = min(2 * pause, max(every, RETRY))

    return check


def renew() -> None:
    """Reads the secrets again because a password was refused, unless they were just read.

    The caller connects again, and may be a thread of the pool that would be closed."""
    global _renew_after  # noqa: PLW0603  (the process has one set of secrets)
    with _renewing:
        if time.monotonic() >= _renew_after:
            _renew_after = time.monotonic() + RETRY
            if refresh(reconnects=False):
                _renew_after = time.monotonic() + AGAIN


_renewing = threading.RLock()
_renew_after = 0.0


def refresh(*, reconnects: bool = True) -> bool:
    """Reads the secrets that `set_envs()` registered again, and sends `secrets_changed` for new values.

    It `reconnects` this thread's connections that have changed values. Returns False where that failed; then the
    reason is logged and nothing changes.
    """
    name = source.stage_name()
    known = runtime.registered(name)
    if name is None or known is None or not known.secrets:
        return True
    manifest, _ = source.manifest()
    try:
        changed, aliases = _renew(manifest, source.stage(manifest, name), known)
    except AWSCallFailed as error:
        logger.error("The secrets could not be read again, the known values stay in use: %s", error.message)
        return False
    if reconnects:
        databases.reconnect(aliases)
    if changed:
        logger.info("Secrets changed: %s", ", ".join(sorted(changed)))
        secrets_changed.send(sender=None, names=changed)
    return True


def _renew(manifest: Manifest, stage: Stage, known: variables.Fetched) -> tuple[frozenset[str], list[str]]:
    """Puts the secrets' present values into the environment and into the settings of databases.

    Returns the changed variables and the databases to reconnect. Exceptions of the signal's receivers do not pass
    through this frame, which has the values. Raises AWSCallFailed, and then changes nothing.
    """
    region = variables.region_of(manifest, stage, os.environ)
    secrets = secret_values.read(stage, region, until=time.monotonic() + DEADLINE)
    changed = {key: value for key, value in secrets.items() if known.secrets.get(key) != value}
    variables.apply(changed)
    runtime.register(source.stage_name() or "", variables.Fetched(secrets, known.outputs, time.time()))
    before = {key: known.secrets.get(key, "") for key in changed}
    return frozenset(changed), databases.follow(before, changed)
