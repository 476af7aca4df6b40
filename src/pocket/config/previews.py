"""A preview: a stage that is not declared, with the configuration of one that is and nothing in common with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.rules import issues_between_stages, stage_issues
from pocket.config.stage import StageConfig
from pocket.config.tables.database import Database
from pocket.config.tables.handlers import Handler

_NO_DOMAIN = {"domain": None, "create_records": True, "hosted_zone_id_override": None, "certificate_arn": None}
_SERVER = "DATABASE|DB|PG|(MS|P)?SQL|POSTGRES|POSTGRESQL|MYSQL|MARIADB"
_LOCATION_NAME = re.compile(
    rf"(^|_)({_SERVER})_?(URL|URI|HOST|HOSTNAME|SERVER|ADDRESS|ENDPOINT|NAME|DSN)$"
    r"|(^|_)(PG|(MS|P)?SQL|POSTGRES|POSTGRESQL|MYSQL|MARIADB)_?(DB|DATABASE)$"
)
_VAGUE_NAME = re.compile(r"(^|_)(DATABASE|DB|DSN)$")
_NO_LOCATION = re.compile(r"\d*|true|false|yes|no|on|off|none|default|[./].*|(https?|rediss?|sqlite):.*", re.IGNORECASE)
"""Values of a variable with a vague name that are evidently no SQL server's: numbers, switches, files, other URLs."""
_SECRET_NAME = re.compile(
    r"DATABASE|POSTGRES|MYSQL|MARIADB"
    r"|(^|_)(DB|PG|(MS|P)?SQL)_?(URL|URI|HOST|NAME|DSN|PASSWORD|DATABASE)?(_|$)|(^|_)DSN$"
)
_OTHER_NAME = re.compile(
    r"(SENTRY|GLITCHTIP|RAVEN)_DSN$"
    r"|(^|_)(REDIS|VALKEY|MEMCACHED?|(ELASTI)?CACHE|CELERY|GEOIP2?|MAXMIND|(DYNAMO|MONGO|DOCUMENT)(DB)?|NOSQL)(_|$)"
)
_DATABASE_VALUE = re.compile(
    r"(db\+)?(postgres|postgis|psql|pgsql|mysql|mariadb|oracle|mssql|cockroach|redshift|timescale)[\w+.-]*://"
    r"|[\w.-]+\.(rds\.amazonaws\.com|neon\.tech)\b",
    re.IGNORECASE,
)
_OWN = 'With [database] and the engine "neon" or "aurora", each preview has a database of its own.'
_OTHER = f"{_OWN} A variable for something else needs another name."


def preview_of(source: StageConfig, name: str) -> StageConfig:
    """The stage `name` as `source`, but at addresses of AWS; a database on Neon branches off the source's."""
    container = source.awscontainer
    if container is not None:
        handlers = {key: _without_domain(handler) for key, handler in container.handlers.items()}
        container = container.model_copy(update={"handlers": handlers})
    front = source.cloudfront
    if front is not None:
        front = front.model_copy(update={**_NO_DOMAIN, "aliases": []})
    return replace(source, name=name, awscontainer=container, cloudfront=front, database=_database(source))


def _database(source: StageConfig) -> Database | None:
    """The source's `[database]` with a branch or a cluster of the preview's own."""
    database = source.database
    if database is None:
        return None
    own: dict[str, str] = {} if source.branch_name is None else {"parent_branch": source.branch_name}
    for key, used in (("branch", source.branch_name), ("cluster", source.cluster_name)):
        if used is not None and "{stage}" not in getattr(database, key):
            own[key] = Database.model_fields[key].default
    return database.model_copy(update=own)


def _without_domain(handler: Handler) -> Handler:
    if handler.apigateway is None:
        return handler
    api = handler.apigateway.model_copy(update={**_NO_DOMAIN, "default_endpoint": True})
    return handler.model_copy(update={"apigateway": api})


def preview_issues(source: StageConfig, preview: StageConfig, others: Sequence[StageConfig]) -> Iterator[Issue]:
    """The issues of a preview: of its names, and with what it would share with a declared stage."""
    yield from stage_issues(preview)
    for name, issue in issues_between_stages([*others, preview]):
        if name == preview.name:
            yield issue
    yield from _databases(source)


def _databases(source: StageConfig) -> Iterator[Issue]:
    """The variables that would lead a preview to the database of its source."""
    container = source.awscontainer
    if container is None:
        return
    at: KeyPath = ("awscontainer",)
    tables = [((*at, "envs"), container.envs)]
    tables += [((*at, "handlers", name, "envs"), handler.envs) for name, handler in container.handlers.items()]
    found = [
        ((*path, name), "variable")
        for path, envs in tables
        for name, value in envs.items()
        if _DATABASE_VALUE.match(value) or _is_location(name, value)
    ]
    secrets = container.secretsmanager.secrets
    found += [
        ((*at, "secretsmanager", "secrets", name), "variable") for name in secrets if _is_named(name, _SECRET_NAME)
    ]
    found += [
        ((*at, "django", "settings", name), "setting")
        for name, value in container.django.settings.items()
        if name == "DATABASES" or any(_DATABASE_VALUE.match(text) for text in _texts(value))
    ]
    for path, what in found:
        message = f"The previews of stage {source.name} would use its database, by the {what} {path[-1]}."
        yield Issue(path, "preview-database", message, _OTHER if what == "variable" else _OWN)


def _is_location(name: str, value: str) -> bool:
    """Whether the variable says where a database is, by its name or, if that is vague, also by its value."""
    return _is_named(name, _LOCATION_NAME) or (_is_named(name, _VAGUE_NAME) and not _NO_LOCATION.fullmatch(value))


def _is_named(name: str, pattern: re.Pattern[str]) -> bool:
    return bool(pattern.search(name.upper())) and not _OTHER_NAME.search(name.upper())


def _texts(value: object) -> Iterator[str]:
    """Each text in a value of TOML."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
