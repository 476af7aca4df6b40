"""The text of a new pocket.toml."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pocket import naming
from pocket.config.tables.awscontainer import LAMBDA_PYTHONS
from pocket.errors import DOCUMENTATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.scaffold.survey import Survey

_OVER_HTTPS = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")

REHEARSAL = "local"
"""The stage for `pocket local`."""


def text(found: Survey, *, region: str, stage: str, suffix: str) -> str:
    """pocket.toml with a stage for rehearsals and one for AWS, named `stage`.

    `suffix` makes the bucket's name unique in all of AWS.
    """
    return "\n".join(
        [
            *_general(found, region, stage),
            *_bucket(found, suffix),
            *_database(found),
            *_artifact(found),
            *_handlers(found),
            *_secrets(found),
            *_storages(found),
            *_stage(found, stage),
        ]
    )


def _general(found: Survey, region: str, stage: str) -> Iterator[str]:
    yield "# How this project runs on AWS Lambda. Every key:"
    yield f"# {DOCUMENTATION}reference/pocket-toml/"
    yield ""
    yield "[general]"
    yield f"region = {json.dumps(region)}"
    yield f"stages = {json.dumps([REHEARSAL, stage])}"
    yield f"project_name = {json.dumps(found.project_name)}"
    yield ""


def _bucket(found: Survey, suffix: str) -> Iterator[str]:
    yield "[s3]"
    yield "# A bucket's name can exist only once in all of AWS."
    yield f'bucket_name_format = "{{prefix}}{{stage}}-{{project}}-{suffix}"'
    if found.has_static_files:
        yield 'public_dirs = ["static"]'
    yield ""


def _artifact(found: Survey) -> Iterator[str]:
    version = found.python if found.python in LAMBDA_PYTHONS and found.python != naming.running_python() else None
    if version is None and found.requirements is None:
        return
    yield "[awscontainer]"
    if version is not None:
        yield f"python_version = {json.dumps(version)}"
    if found.requirements is not None:
        yield f"requirements = {json.dumps(found.requirements)}"
    yield ""


def _handlers(found: Survey) -> Iterator[str]:
    yield from _envs(found)
    if not found.has_home:
        yield "[awscontainer.gate]"
        yield "# The page that a release must answer before it goes live. This project has no page at /."
        yield 'path = "/admin/login/"'
        yield ""
    if found.api is not None:
        yield "[awscontainer.fastapi]"
        yield f"app = {json.dumps(found.api)}"
        yield ""
    yield "[awscontainer.handlers.web]"
    yield f"command = {json.dumps(naming.COMBINED_HANDLER if found.api else naming.WSGI_HANDLER)}"
    yield "memory_size = 1024"
    yield "apigateway = {}"
    yield ""
    yield "[awscontainer.handlers.management]"
    yield f"command = {json.dumps(naming.MANAGEMENT_HANDLER)}"
    yield "timeout = 600"
    yield ""


def _envs(found: Survey) -> Iterator[str]:
    required = found.required
    module = {"DJANGO_SETTINGS_MODULE": found.settings_module} if found.other_settings else {}
    groups = (
        ("", module),
        ("# The settings need these. Change them.", required.plain),
        ("# The settings need these to start. Pocket replaces what they are for.", required.unused),
    )
    if not any(values for _, values in groups):
        return
    yield "[awscontainer.envs]"
    for comment, values in groups:
        if comment and values:
            yield comment
        yield from (f"{name} = {json.dumps(value)}" for name, value in values.items())
    yield ""


def _secrets(found: Survey) -> Iterator[str]:
    yield "# Generated at the first deploy, and kept."
    yield "[awscontainer.secretsmanager.pocket_secrets]"
    yield f'{found.secret_key} = {{ type = "password" }}'
    yield ""


def _storages(found: Survey) -> Iterator[str]:
    yield "[awscontainer.django.storages.default]"
    yield 'store = "s3"'
    yield 'location = "media"'
    yield ""
    if found.has_static_files:
        yield "[awscontainer.django.storages.staticfiles]"
        yield 'store = "s3"'
        yield 'location = "static"'
        yield "static = true"
        yield "manifest = true"
        yield ""


def _database(found: Survey) -> Iterator[str]:
    if found.has_another_database:
        return
    yield "# The name of a secret with the database's URL: postgres://USER:PASSWORD@HOST/NAME. Set it with"
    yield "# `pocket secrets set DATABASE_URL --stage STAGE`. `pocket local` runs a server of its own instead."
    yield "[database]"
    yield 'engine = "postgresql"'
    yield 'secret = "{project}/{stage}/database-url"'
    yield ""


def _stage(found: Survey, stage: str) -> Iterator[str]:
    if secret := found.required.secret:
        yield f"[{REHEARSAL}.awscontainer.envs]"
        yield "# Secrets without which the settings do not start. The local AWS needs no real ones."
        yield from (f"{name} = {json.dumps(value)}" for name, value in secret.items())
        yield ""
        yield f"[{stage}.awscontainer.secretsmanager.secrets]"
        yield f"# Set each before the first deploy: pocket secrets set NAME --stage {stage}"
        for name in secret:
            yield f"{name} = {json.dumps(f'{found.project_name}/{stage}/' + name.lower().replace('_', '-'))}"
        yield ""
    if secure := [name for name in _OVER_HTTPS if name in found.bound]:
        yield f"[{REHEARSAL}.awscontainer.django.settings]"
        yield "# The local AWS serves http."
        yield from (f"{name} = false" for name in secure)
        yield ""
    if found.prints_mail:
        yield f"[{stage}.awscontainer.django.settings]"
        yield "# The settings print mail instead of sending it. Remove this line once they have a mail server."
        yield 'SILENCED_SYSTEM_CHECKS = ["mail.E001"]'
        yield ""
