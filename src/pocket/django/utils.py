"""Functions for `settings.py` (STORAGES, CACHES, DATABASES, TASKS, mail), and management commands through a queue."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pocket.django.configuration import source
from pocket.django.configuration.errors import improperly_configured
from pocket.naming import DEFAULT_QUEUE_KEY, endpoint_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.manifest import Stage

__all__ = ["get_caches", "get_databases", "get_email_settings", "get_storages", "get_tasks", "pocket_call_command"]


def get_storages() -> dict[str, Any]:
    """STORAGES of the stage in `POCKET_STAGE`, else of `[general.django_fallback]`.

    Always has `default` and `staticfiles`, with Django's defaults where pocket.toml has no such entry. Reads no
    setting, so that `settings.py` can call it. Calls `set_envs()` where a storage is behind CloudFront, which needs the
    stage's secrets and addresses. Raises ImproperlyConfigured.
    """
    from pocket.django.configuration.storages import storages

    with improperly_configured():
        tables, manifest, path = source.tables()
        bucket, region, cdn = manifest.fallback_bucket_name, manifest.region, None
        name = source.stage_name()
        if name:
            stage = source.stage(manifest, name)
            bucket, region = stage.bucket_name, stage.region or manifest.region
            if any(item.store == "cloudfront" for item in tables.storages.values()):
                cdn = _address_of_cdn(stage)
        release = path.parent if path.suffix != ".toml" else None
        return storages(tables, bucket=bucket, region=region, release=release, cdn=cdn)


def _address_of_cdn(stage: Stage) -> str | None:
    """The address of the stage's distribution; reads the stage's secrets first, with which addresses are signed."""
    from pocket.django.runtime import set_envs

    set_envs()
    return os.environ.get(endpoint_key(stage.cdn)) if stage.cdn is not None else None


def get_caches() -> dict[str, Any]:
    """CACHES of the stage in `POCKET_STAGE`, else of `[general.django_fallback]`.

    Always has `default`, with Django's default where pocket.toml has no such entry. Raises ImproperlyConfigured.
    """
    from pocket.django.configuration.caches import caches

    with improperly_configured():
        return caches(source.tables()[0])


def get_databases() -> dict[str, Any]:
    """DATABASES with the stage's database of `[database]` as `default`; on a laptop, the one in `DATABASE_URL`.

    Reads the variable that `set_envs()` sets, so call that before. Raises ImproperlyConfigured.
    """
    from pocket.django.configuration.database_urls import databases

    with improperly_configured():
        name = source.stage_name()
        return databases(source.stage(source.manifest()[0], name) if name else None)


def get_tasks(*, enqueue_on_commit: bool = False) -> dict[str, Any]:
    """TASKS of the stage in `POCKET_STAGE`, from `[awscontainer.tasks]`, else of `[general.django_fallback.tasks]`.

    Django's default where the stage has no such table. With `enqueue_on_commit` a task that is enqueued in a
    transaction is sent when the transaction is committed, and not at all if it is rolled back; tasks that run
    immediately take no notice of it. Raises ImproperlyConfigured.
    """
    from pocket.django.configuration import tasks

    with improperly_configured():
        manifest, _ = source.manifest()
        name = source.stage_name()
        if not name:
            return tasks.of_fallback(manifest, enqueue_on_commit=enqueue_on_commit)
        return tasks.of_stage(manifest, source.stage(manifest, name), enqueue_on_commit=enqueue_on_commit)


def get_email_settings() -> dict[str, Any]:
    """The settings for mail: Pocket's backend for SES and the sender of `[ses]`, in a stage that has it.

    MAILERS with Django 6.1 and later, else EMAIL_BACKEND; DEFAULT_FROM_EMAIL and SERVER_EMAIL. Without a stage, mail is
    printed, unless `[general.django_fallback]` sets EMAIL_BACKEND or MAILERS. Raises ImproperlyConfigured.
    """
    from pocket.django.configuration.mail import settings

    with improperly_configured():
        tables, manifest, _ = source.tables()
        name = source.stage_name()
        mail = source.stage(manifest, name).mail if name else None
        return settings(mail, tables.settings, deployed=name is not None)


def pocket_call_command(  # noqa: PLR0917 - the specification fixes the arguments
    command: str,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    force_direct: bool = False,
    force_sqs: bool = False,
    queue_key: str = DEFAULT_QUEUE_KEY,
) -> Any:
    """Runs a management command: through SQS if the queue's URL is in the environment, else in this process.

    `queue_key` is the handler's name in pocket.toml. Returns the message's id if the command was sent, the command's
    return value if it ran. Raises ValueError for both `force_*` at once and for a message over SQS's limit, TypeError
    for an argument that JSON cannot represent, CommandFailed where SQS is forced without a queue.
    """
    from pocket.django.commands import queue

    if force_direct and force_sqs:
        raise ValueError("pocket_call_command() takes force_direct or force_sqs, not both.")
    mode: queue.Mode = "direct" if force_direct else "sqs" if force_sqs else "either"
    return queue.call(command, args, kwargs, mode=mode, queue_key=queue_key)
