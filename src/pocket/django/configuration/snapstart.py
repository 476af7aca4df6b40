"""SnapStart hooks: what must not be in the snapshot, and what each restored environment must renew.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html and snapstart-runtime-hooks-python.html
"""

from __future__ import annotations

import random

from pocket.django.configuration import databases
from pocket.runtime import credentials, tls


def register() -> bool:
    """Registers both hooks; returns False where the runtime has no hooks."""
    try:
        import snapshot_restore_py  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        return False
    snapshot_restore_py.register_before_snapshot(before_snapshot)
    snapshot_restore_py.register_after_restore(after_restore)
    return True


def before_snapshot() -> None:
    """Closes connections to databases and caches; drops TLS contexts and fetched credentials."""
    databases.close()
    _close_caches()
    credentials.forget()
    tls.forget()


def _close_caches() -> None:
    from django.core.cache import caches, close_caches

    close_caches()
    for cache in caches.all(initialized_only=True):
        # Django's Redis cache keeps its pools open until the process ends; a closed pool connects again when used.
        for pool in getattr(vars(cache).get("_cache"), "_pools", {}).values():
            pool.disconnect()


def after_restore() -> None:
    """Seeds the random generator, drops expired credentials, and reads the secrets again."""
    from pocket.django.configuration.refresh import refresh

    random.seed()
    credentials.forget()
    refresh()
