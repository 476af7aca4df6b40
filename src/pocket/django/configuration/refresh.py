"""Reading the stage's secrets again in a process that lives long: after `refresh`, and after a SnapStart restore."""

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
from pocket.runtime import registration, secret_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocket.manifest import Manifest, Stage

logger = logging.getLogger("pocket.secrets")

RETRY = 60
"""Seconds, at most, until a refresh that failed is first tried again; the known values serve meanwhile."""

DEADLINE = 2.0
"""Seconds that a request may wait for a refresh; the known values are there."""

AGAIN = 5
"""Seconds between two readings after a refused password: a rotation changes the database first, then the secret."""


def checker() -> Callable[[], None] | None:
    """What to call before each invocation; None where the stage's secrets are read once and for all.

    While AWS does not answer, it is asked less and less often, until a request waits once in an interval of the
    stage's `refresh`, or in RETRY seconds where that is longer.
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
    """Reads the secrets again because one was refused, unless that has just been done."""
    global _renew_after  # noqa: PLW0603  (the process has one set of secrets)
    with _renewing:
        if time.monotonic() >= _renew_after:
            _renew_after = time.monotonic() + RETRY
            if refresh():
                _renew_after = time.monotonic() + AGAIN


_renewing = threading.RLock()
_renew_after = 0.0


def refresh() -> bool:
    """Reads the secrets that `set_envs()` registered again, and announces those that changed.

    Whether that was possible; where it was not, the reason is logged and everything stays as it is.
    """
    name = source.stage_name()
    known = runtime.registered(name)
    if name is None or known is None or not known.secrets:
        return True
    manifest, _ = source.manifest()
    try:
        changed, aliases = _renew(manifest, source.stage(manifest, name), known)
    except AWSCallFailed as error:
        logger.error("The secrets could not be read again, the known values stay: %s", error.message)
        return False
    databases.reconnect(aliases)
    if changed:
        logger.info("Secrets changed: %s", ", ".join(sorted(changed)))
        secrets_changed.send(sender=None, names=changed)
    return True


def _renew(manifest: Manifest, stage: Stage, known: registration.Fetched) -> tuple[frozenset[str], list[str]]:
    """Puts the secrets' values of now into the environment and into the databases' settings.

    The variables that changed, and the databases to connect anew. What their receivers raise does not pass through
    here, where the values are. Raises AWSCallFailed, and then nothing is changed.
    """
    region = registration.region_of(manifest, stage, os.environ)
    secrets = secret_values.read(stage, region, until=time.monotonic() + DEADLINE)
    changed = {key: value for key, value in secrets.items() if known.secrets.get(key) != value}
    registration.apply(changed)
    runtime.register(source.stage_name() or "", registration.Fetched(secrets, known.outputs, time.time()))
    before = {key: known.secrets.get(key, "") for key in changed}
    return frozenset(changed), databases.follow(before, changed)
