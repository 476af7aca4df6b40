"""What `settings.py` and project code take from Pocket: STORAGES, CACHES, and management commands through a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket.django.configuration import source
from pocket.django.configuration.faults import improperly_configured
from pocket.naming import DEFAULT_QUEUE_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["get_caches", "get_storages", "pocket_call_command"]


def get_storages() -> dict[str, Any]:
    """STORAGES: of the stage that `POCKET_STAGE` names, else of `[general.django_fallback]`.

    `default` and `staticfiles` are always there, with Django's own defaults where the file has none. Raises
    ImproperlyConfigured. Touches no setting, so that `settings.py` can call it.
    """
    from pocket.django.configuration.storages import storages

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
    from pocket.django.configuration.caches import caches

    with improperly_configured():
        return caches(source.tables()[0])


def pocket_call_command(  # noqa: PLR0917 - the specification fixes the arguments
    command: str,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    force_direct: bool = False,
    force_sqs: bool = False,
    queue_key: str = DEFAULT_QUEUE_KEY,
) -> Any:
    """Runs a management command: through SQS where the queue's URL is in the environment, else right here.

    `queue_key` is the handler's name in pocket.toml. Returns the message's id where the command was sent, what the
    command returned where it ran. Raises ValueError for both `force_*` at once and for a message over SQS's limit,
    TypeError for an argument that JSON does not keep, CommandFailed where SQS is forced and there is no queue.
    """
    from pocket.django.commands import queue

    if force_direct and force_sqs:
        raise ValueError("pocket_call_command() takes force_direct or force_sqs, not both.")
    mode: queue.Mode = "direct" if force_direct else "sqs" if force_sqs else "either"
    return queue.call(command, args, kwargs, mode=mode, queue_key=queue_key)
