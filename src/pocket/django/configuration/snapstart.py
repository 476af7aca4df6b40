"""SnapStart: what must not be in the snapshot, and what every environment restored from it must have of its own.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html and snapstart-runtime-hooks-python.html
"""

from __future__ import annotations

import random

from pocket.django.configuration import databases
from pocket.runtime import credentials, tls


def register() -> bool:
    """Registers both hooks where the runtime offers hooks; whether it did."""
    try:
        import snapshot_restore_py  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        return False
    snapshot_restore_py.register_before_snapshot(before_snapshot)
    snapshot_restore_py.register_after_restore(after_restore)
    return True


def before_snapshot() -> None:
    """Closes what is open: connections to databases and caches, TLS contexts, fetched credentials."""
    databases.close()
    _close_caches()
    credentials.forget()
    tls.forget()


def _close_caches() -> None:
    from django.core.cache import caches, close_caches

    close_caches()
    for cache in caches.all(initialized_only=True):
        # Django's Redis client keeps its pools open until the process ends; a pool connects again when it is used.
        for pool in getattr(vars(cache).get("_cache"), "_pools", {}).values():
            pool.disconnect()


def after_restore() -> None:
    """Seeds the random generator anew, drops what the clock has overtaken, and reads the secrets again."""
    from pocket.django.configuration.refresh import refresh

    random.seed()
    credentials.forget()
    refresh()
