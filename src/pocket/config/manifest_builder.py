"""The manifest of a project: the part of the file that a deployed function needs."""

from __future__ import annotations

from importlib.metadata import version

from pocket import manifest
from pocket.config.project import Project
from pocket.config.stage import StageConfig
from pocket.config.tables.django import DjangoTables


def build_manifest(project: Project) -> manifest.Manifest:
    """What the run time needs of every stage, and the fallback for development; without secrets."""
    return manifest.Manifest(
        project_name=project.general.project_name,
        region=project.general.region,
        writer=version("django-pocket"),
        stages={name: _stage(stage, project) for name, stage in project.stages.items()},
        fallback=_django(project.general.django_fallback),
        fallback_bucket_name=project.general.s3_fallback_bucket_name,
        fallback_tasks=project.general.django_fallback.tasks.backend,
    )


def _stage(stage: StageConfig, project: Project) -> manifest.Stage:
    container = stage.awscontainer
    return manifest.Stage(
        stack_name=stage.stack_name,
        bucket_name=stage.bucket_name,
        public_dirs=tuple(stage.s3.public_dirs) if stage.s3 else (),
        django=_django(container.django) if container else manifest.DjangoTables(),
        handlers={
            name: manifest.Handler(
                command=handler.command,
                timeout=handler.timeout,
                address=handler.has_address,
                queue=handler.sqs is not None,
                fifo=handler.sqs is not None and handler.sqs.fifo,
                partial_failures=handler.sqs is None or handler.sqs.report_batch_item_failures,
                concurrency=handler.reserved_concurrency or (handler.sqs.maximum_concurrency if handler.sqs else None),
                attempts=handler.sqs.dead_letter_max_receive_count if handler.sqs else manifest.Handler.attempts,
                spare=handler.sqs.spare_deliveries if handler.sqs else 0,
                commands=None if handler.commands is None else tuple(handler.commands),
            )
            for name, handler in (container.handlers.items() if container else ())
        },
        secrets=stage.secret_variables,
        secret_refresh=stage.secretsmanager.refresh_seconds,
        project_name=None if stage.project_name == project.general.project_name else stage.project_name,
        region=None if stage.region == project.general.region else stage.region,
        api=manifest.Api(app=container.fastapi.app, prefix=container.fastapi.prefix)
        if container and container.fastapi
        else None,
        database=build_database(stage),
        cdn=stage.cdn_handler,
        tasks=container.tasks if container else {},
        mail=manifest.Mail(stage.ses.from_email, stage.ses.region, stage.ses.configuration_set) if stage.ses else None,
    )


def build_database(stage: StageConfig) -> manifest.Database | None:
    """What the run time needs of the stage's database; None without `[database]`."""
    found, variable = stage.database, stage.database_variable
    if found is None or variable is None:
        return None
    return manifest.Database(found.engine, variable, found.host, found.port, found.name, found.application_user)


def _django(tables: DjangoTables) -> manifest.DjangoTables:
    return manifest.DjangoTables(
        storages={
            alias: manifest.Storage(
                store=storage.store,
                location=storage.location,
                static=storage.static,
                manifest=storage.manifest,
                signed=storage.signed,
                options=storage.options,
            )
            for alias, storage in tables.storages.items()
        },
        caches={
            alias: manifest.Cache(store=cache.store, location=cache.location, options=cache.options)
            for alias, cache in tables.caches.items()
        },
        settings=tables.settings,
    )
