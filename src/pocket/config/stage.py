"""One stage: the common tables overridden by the stage's own, and the names of its resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pocket import naming
from pocket.config.manage_file import settings_module_of
from pocket.config.overlay import KeyPath
from pocket.config.secret_references import Reference
from pocket.config.tables.alarms import Alarms
from pocket.config.tables.awscontainer import AwsContainer
from pocket.config.tables.cloudfront import CloudFront
from pocket.config.tables.database import Database
from pocket.config.tables.general import General
from pocket.config.tables.permissions import Permission
from pocket.config.tables.s3 import S3
from pocket.config.tables.secrets import PocketSecret, SecretsManager
from pocket.config.tables.ses import Ses
from pocket.config.tables.table import Table
from pocket.config.tables.vpc import Vpc
from pocket.manifest import SecretVariable


class Domain(NamedTuple):
    """A domain of a stage: its name, the path of the key that declares it, and the keys beside that.

    `handler` is the one whose API answers under it; None for a domain of the stage's distribution.
    """

    name: str
    path: KeyPath
    handler: str | None
    create_records: bool = True
    zone_id: str | None = None
    certificate_arn: str | None = None


class StageTables(Table):
    """The tables of one stage."""

    general: General
    s3: S3 | None = None
    awscontainer: AwsContainer | None = None
    database: Database | None = None
    vpc: Vpc | None = None
    cloudfront: CloudFront | None = None
    ses: Ses | None = None
    alarms: Alarms | None = None


TABLES = tuple(StageTables.model_fields)
"""The names of the file's tables; every other table in the file is a stage's."""

OWN_GENERAL_KEYS = ("region", "account", "tags", "project_name", "object_prefix")
"""The keys of `[general]` that a stage can override; the others apply to the whole project or to development."""


@dataclass(frozen=True)
class StageConfig:
    """One stage of the project in `directory`; tables are named as in the file."""

    name: str
    directory: Path
    general: General
    s3: S3 | None
    awscontainer: AwsContainer | None
    database: Database | None = None
    vpc: Vpc | None = None
    cloudfront: CloudFront | None = None
    ses: Ses | None = None
    alarms: Alarms | None = None

    @property
    def project_name(self) -> str:
        """The project's name, as part of the names of this stage's resources."""
        return self.general.project_name

    @property
    def region(self) -> str:
        """The AWS region of the stage."""
        return self.general.region

    @property
    def object_prefix(self) -> str:
        """The prefix of the stage's resources."""
        return self.general.object_prefix

    def resource_name(self, *parts: str) -> str:
        """The name of the stage's resource that `parts` identify; without parts, the stack's name."""
        return naming.resource_name(self.object_prefix, self.name, self.project_name, *parts)

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack's name."""
        return self.resource_name()

    def function_name(self, handler: str) -> str:
        """The name of the handler's Lambda function."""
        return self.resource_name(handler)

    def queue_name(self, handler: str, *, fifo: bool) -> str:
        """The name of the handler's queue."""
        return self.resource_name(handler) + (".fifo" if fifo else "")

    def dead_letters_name(self, handler: str, *, fifo: bool) -> str:
        """The name of the handler's dead-letter queue."""
        return naming.dead_letters(self.queue_name(handler, fifo=fifo))

    def failures_name(self, handler: str) -> str:
        """The name of the queue with the handler's failed events."""
        return self.resource_name(handler, "failed-events")

    @property
    def bucket_name(self) -> str | None:
        """The bucket's name; None without `[s3]`."""
        return None if self.s3 is None else self.formatted(self.s3.bucket_name_format)

    @property
    def pocket_key(self) -> str:
        """The name of the secret with the generated values, or the root of their parameters' names."""
        return self.formatted(self.secretsmanager.pocket_key_format)

    @property
    def secretsmanager(self) -> SecretsManager:
        """`[awscontainer.secretsmanager]`; its defaults without `[awscontainer]`."""
        return SecretsManager() if self.awscontainer is None else self.awscontainer.secretsmanager

    @property
    def sites(self) -> tuple[str, ...]:
        """The handlers with an HTTP address, in the file's order."""
        handlers = {} if self.awscontainer is None else self.awscontainer.handlers
        return tuple(name for name, handler in handlers.items() if handler.has_address)

    @property
    def domains(self) -> tuple[Domain, ...]:
        """The stage's own domains, in the file's order."""
        handlers = {} if self.awscontainer is None else self.awscontainer.handlers
        apis = ((name, handler.apigateway) for name, handler in handlers.items())
        of_apis = tuple(
            Domain(
                api.domain,
                ("awscontainer", "handlers", name, "apigateway", "domain"),
                name,
                api.create_records,
                api.hosted_zone_id_override,
                api.certificate_arn,
            )
            for name, api in apis
            if api is not None and api.domain is not None
        )
        return (*of_apis, *self._domains_of_distribution())

    def _domains_of_distribution(self) -> Iterator[Domain]:
        declared = self.cloudfront
        if declared is None or declared.domain is None:
            return
        aliases = ((name, ("cloudfront", "aliases", place)) for place, name in enumerate(declared.aliases))
        paths: list[tuple[str, KeyPath]] = [(declared.domain, ("cloudfront", "domain")), *aliases]
        for name, path in paths:
            zone_id, arn = declared.hosted_zone_id_override, declared.certificate_arn
            yield Domain(name, path, None, declared.create_records, zone_id, arn)

    def envs(self, handler: str | None) -> dict[str, str]:
        """The variables that the file gives a handler's function; without a handler, those of all functions."""
        if self.awscontainer is None:
            return {}
        own = {} if handler is None else self.awscontainer.handlers[handler].envs
        return {**self.awscontainer.envs, **own}

    def permissions(self) -> Iterator[tuple[KeyPath, Permission]]:
        """What the file lets functions do, with the path of each statement; a handler's have its name in the path."""
        if self.awscontainer is None:
            return
        for index, permission in enumerate(self.awscontainer.permissions):
            yield ("awscontainer", "permissions", index), permission
        for name, handler in self.awscontainer.handlers.items():
            for index, permission in enumerate(handler.permissions):
                yield ("awscontainer", "handlers", name, "permissions", index), permission

    @property
    def command_handler(self) -> str | None:
        """The first handler that runs management commands when it is invoked; None if the stage has none."""
        handlers = {} if self.awscontainer is None else self.awscontainer.handlers
        kinds = ((name, naming.HANDLERS.get(handler.command)) for name, handler in handlers.items())
        return next((name for name, kind in kinds if kind is not None and kind.commands), None)

    def formatted(self, name: str) -> str:
        """`name` with its placeholders filled."""
        return name.format(prefix=self.object_prefix, stage=self.name, project=self.project_name)

    @cached_property
    def settings_module(self) -> str | None:
        """DJANGO_SETTINGS_MODULE from `envs`, else from `manage.py`; None if it is in neither."""
        envs = {} if self.awscontainer is None else self.awscontainer.envs
        return envs.get("DJANGO_SETTINGS_MODULE") or settings_module_of(self.directory / "manage.py")

    @property
    def cdn_handler(self) -> str | None:
        """The handler behind the distribution; None without `[cloudfront]`."""
        if self.cloudfront is None or self.awscontainer is None:
            return None
        return next((name for name, item in self.awscontainer.handlers.items() if item.apigateway is not None), None)

    @property
    def cdn_names(self) -> tuple[str, ...]:
        """The domains of the distribution: the site's, then those that are redirected to it."""
        return () if self.cloudfront is None else self.cloudfront.names

    @property
    def signed_uploads(self) -> bool:
        """Whether a storage serves its files by signed addresses of the distribution."""
        storages = {} if self.awscontainer is None else self.awscontainer.django.storages
        return self.cdn_handler is not None and any(item.signed for item in storages.values())

    @property
    def generated_secrets(self) -> dict[str, PocketSecret]:
        """The secrets that Pocket makes: the file's, those of the distribution, and the URL of a branch on Neon."""
        found = dict(self.secretsmanager.generated)
        if self.cdn_handler is not None:
            found[naming.ORIGIN_SECRET] = PocketSecret(type="password")
        if self.signed_uploads:
            found[naming.SIGNING_KEY] = PocketSecret(type="rsa_pem_base64")
        if self.branch_name is not None and self.database_variable is not None:
            found[self.database_variable] = PocketSecret(type="database_url")
        return found

    @property
    def generated_variables(self) -> tuple[SecretVariable, ...]:
        """The variables that generated secrets fill, in the file's order."""
        return tuple(self._generated())

    def _generated(self) -> Iterator[SecretVariable]:
        table = self.secretsmanager
        for name, secret in self.generated_secrets.items():
            for variable in secret.variables(name):
                in_ssm = table.store == "ssm"
                place = f"/{self.pocket_key.strip('/')}/{variable}" if in_ssm else self.pocket_key
                key = None if in_ssm else variable
                yield SecretVariable(variable, table.store, place, key, table.placeholders.get(variable))

    @property
    def secret_variables(self) -> tuple[SecretVariable, ...]:
        """Every variable that the run time fills from a secret: generated ones, the user's own, the database's URL."""
        table = self.secretsmanager
        references = ((name, Reference.parse(text)) for name, text in table.secrets.items())
        own = (
            SecretVariable(
                name,
                reference.service or table.store,
                reference.secret_id,
                reference.key,
                table.placeholders.get(name),
            )
            for name, reference in references
        )
        return (*self.generated_variables, *own, *self._database_secret())

    @property
    def database_variable(self) -> str | None:
        """The variable with the URL of the stage's database; None without `[database]`."""
        return None if self.database is None else (*self.secretsmanager.database_variables, "DATABASE_URL")[0]

    @property
    def database_environment(self) -> dict[str, str]:
        """The variable with the URL of a database with IAM, as far as the file has it; empty without one."""
        access = None if self.database is None else self.database.iam_access
        return {} if access is None or self.database_variable is None else {self.database_variable: access.url}

    @property
    def cluster_name(self) -> str | None:
        """The name of the stage's Aurora cluster; None with another engine."""
        has_cluster = self.database is not None and self.database.engine == "aurora"
        return self.formatted(self.database.cluster) if self.database is not None and has_cluster else None

    @property
    def branch_name(self) -> str | None:
        """The name of the stage's branch on Neon; None with another engine."""
        on_neon = self.database is not None and self.database.engine == "neon"
        return self.formatted(self.database.branch) if self.database is not None and on_neon else None

    @property
    def database_reference(self) -> Reference | None:
        """The secret with the database's URL; None without one."""
        declared = None if self.database is None else self.database.secret
        return None if declared is None else Reference.parse(self.formatted(declared))

    def _database_secret(self) -> Iterator[SecretVariable]:
        name, reference, table = self.database_variable, self.database_reference, self.secretsmanager
        if name is not None and reference is not None:
            service = reference.service or table.store
            yield SecretVariable(name, service, reference.secret_id, reference.key, table.placeholders.get(name))
