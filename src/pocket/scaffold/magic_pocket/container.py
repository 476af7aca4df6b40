"""Translates `[container.NAME]`, which was `[awscontainer]` before: handlers, secrets, and what Django reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pocket import naming
from pocket.config import patterns
from pocket.config.rules.environment import is_reserved
from pocket.config.secret_references import issue_with_reference
from pocket.scaffold.magic_pocket.former import FormerSecret, Names
from pocket.scaffold.magic_pocket.reading import Reader

LAMBDA_HANDLERS = naming.WSGI_HANDLER.rpartition(".")[0]
"""The module of Django's handlers, which has the same name in magic-pocket."""

_COMMANDS = {
    f"{LAMBDA_HANDLERS}.sqs_management_command_report_failuers_handler": naming.SQS_MANAGEMENT_HANDLER,
    f"{LAMBDA_HANDLERS}.sqs_management_command_report_failures_handler": naming.SQS_MANAGEMENT_HANDLER,
}
_SQS = (
    "batch_size",
    "message_retention_period",
    "maximum_concurrency",
    "dead_letter_max_receive_count",
    "dead_letter_message_retention_period",
    "report_batch_item_failures",
)
_POSTGRESQL = ("neon_database_url",)
_URLS = ("tidb_database_url", "upstash_redis_url")
_PARTS = {"pem": "pem_base64_environ_suffix", "pub": "pub_base64_environ_suffix"}
_SUFFIXES = {"pem": "_PEM_BASE64", "pub": "_PUB_BASE64"}


@dataclass
class Container:
    """The translation of one container: tables of `[awscontainer]`, `[database]`, and the places of its secrets."""

    awscontainer: dict[str, Any] = field(default_factory=dict)
    database: dict[str, Any] | None = None
    former: list[FormerSecret] = field(default_factory=list)


def container(source: Reader, names: Names, brokers: set[str], routes: Mapping[str, Mapping[str, Any]]) -> Container:
    """`brokers` are the tables of databases in the file, `routes` those of the distribution by their reference."""
    result = Container(source.copy("platform", "permissions_boundary"))
    tables = {
        "envs": _envs(source.table("envs")),
        "permissions": _permissions(source.table("iam")),
        "handlers": dict(_handlers(source)),
        "secretsmanager": _secrets(source, names, brokers, result),
        "django": django(source.table("django"), routes),
    }
    result.awscontainer.update({key: table for key, table in tables.items() if table})
    return result


def _envs(source: Reader) -> dict[str, Any]:
    return source.copy(*(name for name in source if re.match(patterns.VARIABLE, name) and not is_reserved(name)))


def _permissions(source: Reader) -> list[dict[str, Any]]:
    """The statements of the inline policies; a policy with one that Pocket cannot have stays."""
    found = []
    policies = source.table("inline_policies")
    for name in policies:
        translated = _policy(policies.look(name))
        if translated is not None:
            policies.take(name)
            found += translated
    return found


def _policy(document: object) -> list[dict[str, Any]] | None:
    statements = document.get("Statement") if isinstance(document, Mapping) else None
    found = []
    for statement in statements if isinstance(statements, list) else [statements]:
        known = {"Sid", "Effect", "Action", "Resource", "Condition"}
        if not isinstance(statement, Mapping) or statement.keys() - known or statement.get("Effect") != "Allow":
            return None
        actions, resources = _list(statement.get("Action")), _list(statement.get("Resource"))
        if not all(isinstance(item, str) and re.match(patterns.ACTION, item) for item in actions):
            return None
        if not all(isinstance(item, str) and re.match(patterns.PERMITTED, item) for item in resources):
            return None
        wildcard = any(item == "*" or item.endswith(":*") for item in actions)
        found.append(
            {
                "actions": actions,
                "resources": resources,
                **({"conditions": statement["Condition"]} if "Condition" in statement else {}),
                **({"allow_wildcard": True} if wildcard else {}),
            }
        )
    return found


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _handlers(source: Reader) -> Iterator[tuple[str, dict[str, Any]]]:
    declared = source.table("handlers")
    for name in declared:
        found = declared.look(name)
        command = found.get("command") if isinstance(found, Mapping) else None
        if not isinstance(command, str) or not re.match(patterns.DOTTED_PATH, command):
            continue
        handler = declared.table(name)
        handler.take("command")
        table = {
            "command": _COMMANDS.get(command, command),
            **handler.copy("timeout", "memory_size", "reserved_concurrency"),
        }
        if envs := _envs(handler.table("envs")):
            table["envs"] = envs
        if "apigateway" in handler:
            keys = ("domain", "create_records", "hosted_zone_id_override")
            table["apigateway"] = handler.table("apigateway").copy(*keys)
        if "sqs" in handler:
            table["sqs"] = handler.table("sqs").copy(*_SQS)
        yield handler_name(name), table


def handler_name(name: str) -> str:
    """The name of a handler in Pocket's file."""
    return re.sub(r"^[^a-z]*", "", re.sub(r"[^a-z0-9_-]", "-", name.lower())) or "handler"


def _secrets(source: Reader, names: Names, brokers: set[str], result: Container) -> dict[str, Any]:
    table: dict[str, Any] = {"pocket_secrets": {}, "secrets": {}}
    for key in ("secretsmanager", "secrets"):
        declared = source.table(key)
        store = "ssm" if declared.look("store") == "ssm" else "secretsmanager"
        if declared.look("store") in ("sm", "ssm"):
            declared.take("store")
            table["store"] = store
        secrets = _Secrets(names, store, names.pocket_keys(declared.look("pocket_key_format")), result, table)
        for kind in ("pocket_secrets", "managed"):
            for name, spec in declared.tables(kind):
                secrets.generate(name, spec, brokers)
        references = declared.table("secrets")
        for name in references:
            if isinstance(reference := references.look(name), str) and not issue_with_reference(reference):
                secrets.own[name] = references.take(name)
        for name, spec in declared.tables("user"):
            secrets.refer(name, spec)
        table.update(declared.copy("require_list_secrets"))
        arns = declared.look("extra_resources")
        if isinstance(arns, list) and all(isinstance(arn, str) and re.match(patterns.ARN, arn) for arn in arns):
            table.update(declared.copy("extra_resources"))
    return {key: item for key, item in table.items() if item != {}}


@dataclass(frozen=True)
class _Secrets:
    """The secrets of a container: where the old file keeps generated ones, and the tables that they get."""

    names: Names
    store: str
    pocket_keys: list[str]
    result: Container
    table: dict[str, Any]

    @property
    def generated(self) -> dict[str, Any]:
        """`pocket_secrets`."""
        found: dict[str, Any] = self.table["pocket_secrets"]
        return found

    @property
    def own(self) -> dict[str, Any]:
        """`secrets`."""
        found: dict[str, Any] = self.table["secrets"]
        return found

    def generate(self, name: str, spec: Reader, brokers: set[str]) -> None:
        """A secret that magic-pocket generates, or gets from the service of a database."""
        kind = spec.look("type")
        if kind == "auto_database_url":
            kind = next((f"{broker}_database_url" for broker in ("neon", "tidb") if broker in brokers), kind)
        parts = {"": name}
        if kind == "password":
            options = spec.table("options")
            length = options.look("length")
            chosen = options.copy("length") if type(length) is int and 8 <= length <= 1024 else {}
            self.generated[name] = {"type": kind, **({"options": chosen} if chosen else {})}
        elif kind == "rsa_pem_base64":
            chosen = spec.table("options").copy(*_PARTS.values())
            self.generated[name] = {"type": kind, **({"options": chosen} if chosen else {})}
            parts = {part: f"{name}{chosen.get(option, _SUFFIXES[part])}" for part, option in _PARTS.items()}
        elif kind in _URLS:
            self.own[name] = f"{self.names.project}/{self.names.stage}/{name.lower().replace('_', '-')}"
        elif kind not in _POSTGRESQL or not self._database(name, "{project}/{stage}/database-url"):
            return
        spec.take("type")
        for key in self.pocket_keys:
            self.result.former += self.names.generated(self.store, key, name, parts)

    def refer(self, name: str, spec: Reader) -> None:
        """A secret of the user's own, which is read where it is."""
        kind, here = spec.look("type"), "ssm" if self.store == "ssm" else "sm"
        store = spec.look("store") or here
        secret = self.names.format(str(spec.look("name") or ""))
        if isinstance(kind, str):
            secret = f"{'/' if store == 'ssm' else ''}{self.pocket_keys[-1]}-user/{kind}"
        if (store != here and not secret.startswith("arn:")) or issue_with_reference(secret):
            return
        if kind not in _POSTGRESQL:
            self.own[name] = secret
        elif not self._database(name, secret):
            return
        spec.copy("name", "type", "store")

    def _database(self, name: str, secret: str) -> bool:
        """Makes `secret` the database's, with the variable `name`; False if the stage has another database already."""
        if self.result.database is not None:
            return False
        self.result.database = {"engine": "postgresql", "secret": secret}
        if name != "DATABASE_URL":
            self.generated[name] = {"type": "database_url"}
        return True


def django(source: Reader, routes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Storages, caches and settings; a storage behind a route of the distribution has the route's folder."""
    storages = {}
    for name, storage in source.tables("storages"):
        translated = _storage(storage, routes)
        if translated is not None:
            storages[name] = translated
    caches = {}
    for name, cache in source.tables("caches"):
        if cache.look("store") in ("locmem", "redis"):
            caches[name] = cache.copy("store")
    tables = {"storages": storages, "caches": caches, "settings": source.take("settings", {})}
    return {key: table for key, table in tables.items() if table}


def _storage(source: Reader, routes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    options = source.look("options")
    named = options.get("cloudfront_ref") if isinstance(options, Mapping) else None
    route = routes.get(str(source.look("route") or named or ""), {})
    store = source.look("store")
    if store == "filesystem" or (store == "s3" and source.look("location") is not None):
        return source.copy("store", "location", "static", "manifest", "options")
    location = route.get("location")
    if location is None:
        return None
    source.copy("store", "route", "distribution")
    if named is not None:
        source.table("options").take("cloudfront_ref")
    rest = source.copy("static", "manifest", "options")
    signed = {"signed": True} if route.get("signed") and not rest.get("static") else {}
    return {"store": "cloudfront" if route["cdn"] else "s3", "location": location, **rest, **signed}
