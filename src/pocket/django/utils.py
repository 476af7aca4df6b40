"""What `settings.py` and project code take from Pocket: STORAGES, CACHES, and management commands through a queue."""

from __future__ import annotations

from typing import Any

from pocket.django import source
from pocket.django.faults import improperly_configured
from pocket.django.queue import pocket_call_command

__all__ = ["get_caches", "get_storages", "pocket_call_command"]


def get_storages() -> dict[str, Any]:
    """STORAGES: of the stage that `POCKET_STAGE` names, else of `[general.django_fallback]`.

    `default` and `staticfiles` are always there, with Django's own defaults where the file has none. Raises
    ImproperlyConfigured. Touches no setting, so that `settings.py` can call it.
    """
    from pocket.django.storages import storages

    with improperly_configured():
        tables, manifest, path = source.tables()
        bucket, region = manifest.fallback_bucket_name, manifest.region
        name = source.stage_name()
        if name:
            stage = source.stage(manifest, name)
            bucket, region = stage.bucket_name, stage.region or manifest.region
        release = path.parent if path.suffix != ".toml" else None
        return storages(tables, bucket=bucket, region=region, release=release)


def get_caches() -> dict[str, Any]:
    """CACHES: of the stage that `POCKET_STAGE` names, else of `[general.django_fallback]`.

    `default` is always there, with Django's own default where the file has none. Raises ImproperlyConfigured.
    """
    from pocket.django.caches import caches

    with improperly_configured():
        return caches(source.tables()[0])
