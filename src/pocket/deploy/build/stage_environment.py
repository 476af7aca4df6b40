"""The environment in which a project's settings are loaded on this machine for a stage.

Secrets become placeholders (`pocket.runtime.placeholders`). Addresses and queues, which only a deploy knows, get
placeholders here. A secret's value in the shell is kept, except for databases: none must be reached by accident.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pocket import naming

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pocket.config import StageConfig
    from pocket.deploy.target import Target

DATABASE_URL = "DATABASE_URL"
UNKNOWN = "placeholder"
"""The value of a variable that comes from a resource, which only AWS names; the shell's value is kept."""

NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
"""The variable that keeps Python from writing bytecode, beside the project's modules above all."""

NO_DATABASE = "sqlite:///:memory:"
"""The value of DATABASE_URL where the stage has none."""


def environment(stage: StageConfig, target: Target, manifest: Path) -> dict[str, str]:
    """The environment of the project's settings; `manifest` is the path of the stage's manifest.

    It is that of the first handler with an address, since a start loads one handler's settings.
    """
    return {**_environment(stage, target, os.environ), naming.MANIFEST_KEY: str(manifest)}


def own(stage: StageConfig, target: Target) -> dict[str, str]:
    """The environment of the project's settings without that of the shell, and without the manifest's path."""
    return _environment(stage, target, {})


def _environment(stage: StageConfig, target: Target, shell: Mapping[str, str]) -> dict[str, str]:
    container = stage.awscontainer
    given = {**stage.envs(next(iter(stage.sites), None)), **target.environment}
    found = {**shell, **_of_pocket(stage), **given}
    secrets = {variable.name for variable in stage.secret_variables}
    database = stage.database_variable or DATABASE_URL
    for name in {DATABASE_URL, database, *(name for name in secrets if "DATABASE" in name)} - given.keys():
        found.pop(name, None)
    if DATABASE_URL not in secrets:
        found.setdefault(DATABASE_URL, NO_DATABASE)
    found |= _addresses(stage, target)
    for name in container.resource_envs if container is not None else ():
        found.setdefault(name, UNKNOWN)
    if container is not None and container.snapstart:
        found["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
    if target.endpoint_url is not None:
        found["AWS_ENDPOINT_URL"] = target.endpoint_url
    return found


def _of_pocket(stage: StageConfig) -> dict[str, str]:
    found = {
        NO_BYTECODE: "1",
        naming.STAGE_KEY: stage.name,
        naming.PROJECT_KEY: stage.project_name,
        naming.REGION_KEY: stage.region,
        naming.PLACEHOLDER_KEY: "1",
    }
    if stage.settings_module is not None:
        found["DJANGO_SETTINGS_MODULE"] = stage.settings_module
    return found


def _addresses(stage: StageConfig, target: Target) -> dict[str, str]:
    """Hosts, addresses and queues of the stage's handlers: the target's, and unreachable ones for the rest."""
    found: dict[str, str] = {}
    hosts: list[str] = []
    for name, handler in stage.awscontainer.handlers.items() if stage.awscontainer else ():
        if handler.has_address:
            api, unknown = handler.apigateway, f"{name}.{stage.name}.invalid"
            own = stage.cdn_names[0] if name == stage.cdn_handler and stage.cdn_names else api.domain if api else None
            host = own or unknown
            address = target.addresses.get(name, f"https://{host}").rstrip("/")
            hosts.append(address.partition("://")[2])
            found |= {naming.host_key(name): hosts[-1], naming.endpoint_key(name): address}
            if api is not None and api.default_endpoint and name not in target.addresses:
                hosts.append(unknown)
        if handler.sqs is not None:
            queue = stage.queue_name(name, fifo=handler.sqs.fifo)
            found[naming.queue_url_key(name)] = f"https://sqs.{stage.region}.amazonaws.com/000000000000/{queue}"
    found[naming.HOSTS_KEY] = ",".join(dict.fromkeys(hosts))
    return found
