"""Rules for the distribution: one handler behind it, a private bucket, and storages that it can serve."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pocket import naming
from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.tables.cloudfront import CloudFront
from pocket.config.tables.django import Storage

_TABLE: KeyPath = ("cloudfront",)
_HANDLERS: KeyPath = ("awscontainer", "handlers")
_STORAGES: KeyPath = ("awscontainer", "django", "storages")
_PATH = re.compile(r"[A-Za-z0-9_.'/-]+")
"""What a location may have besides: a cache behavior's path pattern takes fewer characters than an object's key."""


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with `[cloudfront]`, and with the storages that it serves."""
    storages = stage.awscontainer.django.storages if stage.awscontainer else {}
    for alias, storage in storages.items():
        yield from _storage(stage, storage, (*_STORAGES, alias))
    yield from _locations(storages)
    if stage.cloudfront is not None:
        yield from _front(stage)
        yield from _bucket(stage)
        yield from _domains(stage.cloudfront)


def _domains(declared: CloudFront) -> Iterator[Issue]:
    domain: KeyPath = (*_TABLE, "domain")
    if declared.domain is None:
        for key in ("aliases", "certificate_arn", "hosted_zone_id_override"):
            if getattr(declared, key):
                message = "This key has no effect without a domain."
                yield Issue((*_TABLE, key), "no-domain", message, "Add domain, or remove this key.", (domain,))
        return
    if not declared.create_records and declared.hosted_zone_id_override is not None:
        message = "With create_records = false, no hosted zone is used."
        needs = ((*_TABLE, "create_records"),)
        yield Issue((*_TABLE, "hosted_zone_id_override"), "no-records", message, "Remove one of the two.", needs)


def _front(stage: StageConfig) -> Iterator[Issue]:
    """The handler behind the distribution."""
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    behind = [name for name, handler in handlers.items() if handler.apigateway is not None]
    if len(behind) != 1:
        found = f"found {', '.join(behind)}" if behind else "found none"
        message = f"The distribution is in front of one handler with an HTTP API; {found}."
        hint = (
            "Leave apigateway to one of them: give the others a function_url, or use the command"
            f' "{naming.COMBINED_HANDLER}".'
            if behind
            else "Add apigateway = {} to the handler that answers HTTP."
        )
        needs = (_HANDLERS, *((*_HANDLERS, name, "apigateway") for name in handlers))
        yield Issue(_TABLE, "handler", message, hint, needs, () if behind else (_HANDLERS,))
        return
    path = (*_HANDLERS, behind[0])
    handler = handlers[behind[0]]
    kind = naming.HANDLERS.get(handler.command)
    if kind is None or not (kind.pages or kind.api):
        message = "Only Pocket's own handlers refuse requests that do not come through the distribution."
        hint = f'Use a command such as "{naming.WSGI_HANDLER}", or remove [cloudfront].'
        yield Issue((*path, "command"), "cloudfront", message, hint, (_TABLE,))
    if handler.apigateway is not None and handler.apigateway.domain is not None:
        message = "The HTTP API behind a distribution needs no domain: it refuses all other requests."
        yield Issue((*path, "apigateway", "domain"), "cloudfront", message, "Remove it.", (_TABLE,))


def _bucket(stage: StageConfig) -> Iterator[Issue]:
    if stage.s3 is not None and stage.s3.public_dirs:
        message = "The bucket behind a distribution is private: CloudFront reads it, and nothing else needs to."
        hint = f'Set public_dirs = [] for stage {stage.name}, and store = "cloudfront" for its static files.'
        yield Issue(("s3", "public_dirs"), "cloudfront", message, hint, (_TABLE,))


def _storage(stage: StageConfig, storage: Storage, path: KeyPath) -> Iterator[Issue]:
    if storage.signed and storage.store != "cloudfront":
        message = 'Only a storage with the store "cloudfront" can be signed.'
        hint = "Remove it: the addresses of uploads in S3 are signed unless querystring_auth is false."
        yield Issue((*path, "signed"), "signed", message, hint, ((*path, "store"),))
    if storage.store != "cloudfront":
        return
    store = (*path, "store")
    if stage.cloudfront is None:
        message = 'The store "cloudfront" needs a distribution, but the stage has no table [cloudfront].'
        yield Issue(store, "cloudfront", message, 'Add the table [cloudfront], or use the store "s3".', (_TABLE,))
    if storage.signed and storage.static:
        message = "Static files cannot be signed: pages in caches link to them without a signature."
        yield Issue((*path, "signed"), "static", message, "Remove it.", ((*path, "static"),))
    if storage.location is not None and not _PATH.fullmatch(storage.location):
        message = "The location is part of a path pattern of CloudFront: expected letters, digits and _-.'/."
        yield Issue((*path, "location"), "pattern", message, "", (store,))


def _locations(storages: dict[str, Storage]) -> Iterator[Issue]:
    """A location is one cache behavior: it is either signed or not, static or not."""
    taken: dict[str, str] = {}
    for alias, storage in storages.items():
        if storage.store != "cloudfront" or storage.location is None:
            continue
        prefix = naming.key_prefix(storage.location)
        other = taken.setdefault(prefix, alias)
        kinds = {(item.static, item.signed) for item in (storage, storages[other])}
        if len(kinds) > 1:
            message = f'The storage "{other}" has the same location, and another value of static or signed.'
            needs = ((*_STORAGES, other),)
            yield Issue((*_STORAGES, alias, "location"), "shared", message, "Choose another location.", needs)
