"""The environment in which a project's settings are loaded here for a stage: its values, and stand-ins for the rest.

Secrets become placeholders there (`pocket.runtime.placeholders`); what only a deploy gives, addresses and queues, is
made up here. A secret's value in the shell is kept, but for databases: nothing here is to reach one by accident.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pocket import naming

if TYPE_CHECKING:
    from pathlib import Path

    from pocket.config import StageConfig
    from pocket.deploy.target import Target

DATABASE_URL = "DATABASE_URL"
NO_DATABASE = "sqlite:///:memory:"
"""What stands for a database that the stage does not name."""


def environment(stage: StageConfig, target: Target, manifest: Path) -> dict[str, str]:
    """What the project's settings find; `manifest` is Pocket's own, as it would be baked."""
    container = stage.awscontainer
    given = {**(container.envs if container else {}), **target.environment}
    found = {**os.environ, **_of_pocket(stage, manifest), **given}
    secrets = {variable.name for variable in stage.secret_variables}
    for name in {DATABASE_URL, *(name for name in secrets if "DATABASE" in name)} - given.keys():
        found.pop(name, None)
    if DATABASE_URL not in secrets:
        found.setdefault(DATABASE_URL, NO_DATABASE)
    found |= _addresses(stage, target)
    if container is not None and container.snapstart:
        found["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
    if target.endpoint_url is not None:
        found["AWS_ENDPOINT_URL"] = target.endpoint_url
    return found


def _of_pocket(stage: StageConfig, manifest: Path) -> dict[str, str]:
    found = {
        "PYTHONDONTWRITEBYTECODE": "1",
        naming.STAGE_KEY: stage.name,
        naming.PROJECT_KEY: stage.project_name,
        naming.REGION_KEY: stage.region,
        naming.PLACEHOLDER_KEY: "1",
        naming.MANIFEST_KEY: str(manifest),
    }
    if stage.settings_module is not None:
        found["DJANGO_SETTINGS_MODULE"] = stage.settings_module
    return found


def _addresses(stage: StageConfig, target: Target) -> dict[str, str]:
    """Hosts, addresses and queues of the stage's handlers: those that the target knows, and names that lead nowhere."""
    found: dict[str, str] = {}
    hosts: list[str] = []
    for name, handler in stage.awscontainer.handlers.items() if stage.awscontainer else ():
        if handler.has_address:
            api = handler.apigateway
            host = api.domain if api is not None and api.domain else f"{name}.{stage.name}.invalid"
            address = target.addresses.get(name, f"https://{host}").rstrip("/")
            hosts.append(address.partition("://")[2])
            found |= {naming.host_key(name): hosts[-1], naming.endpoint_key(name): address}
        if handler.sqs is not None:
            queue = stage.queue_name(name, fifo=handler.sqs.fifo)
            found[naming.queue_url_key(name)] = f"https://sqs.{stage.region}.amazonaws.com/000000000000/{queue}"
    found[naming.HOSTS_KEY] = ",".join(dict.fromkeys(hosts))
    return found
