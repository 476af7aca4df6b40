"""What `set_envs()` puts into the environment: secrets, hosts, endpoints and queue URLs of the stage.

`fetch` makes the calls, `variables` decides, `PLACEHOLDER` stands in where a stage's settings are loaded on a laptop.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from pocket import naming
from pocket.errors import SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pocket.manifest import Handler, Manifest, Stage

PLACEHOLDER = "cGxhY2Vob2xkZXI6IHRoaXMgc3RhbmRzIGZvciBhIHNlY3JldCB0aGF0IHdhcyBub3QgcmVhZA=="
"""Long enough for Django's check of SECRET_KEY, and valid base64, since RSA keys come as that; it says what it is."""

PLACEHOLDER_DATABASE = "sqlite://:memory:"


class Fetched:
    """What AWS answered: secret values by variable, stack outputs by key; `at` in seconds since the epoch."""

    __slots__ = ("at", "outputs", "secrets")

    def __init__(self, secrets: dict[str, str], outputs: dict[str, str], at: float) -> None:
        self.secrets = secrets
        self.outputs = outputs
        self.at = at


def fetch(manifest: Manifest, stage: Stage, environ: Mapping[str, str]) -> Fetched:
    """Makes the calls that the stage needs, none if it needs none; raises AWSCallFailed."""
    from pocket.runtime import secret_values

    region = region_of(manifest, stage, environ)
    secrets = secret_values.read(stage, region) if stage.secrets else {}
    found = {}
    if needs_outputs(stage, environ):
        from pocket.runtime import outputs

        found = outputs.read(stage.stack_name, region)
    return Fetched(secrets, found, time.time())


def region_of(manifest: Manifest, stage: Stage, environ: Mapping[str, str]) -> str:
    """The stage's region: the one that the deploy injected, else the file's."""
    return environ.get(naming.REGION_KEY) or stage.region or manifest.region


def needs_calls(stage: Stage, environ: Mapping[str, str]) -> bool:
    """Whether `fetch` would make a call at all."""
    return naming.PLACEHOLDER_KEY not in environ and (bool(stage.secrets) or needs_outputs(stage, environ))


def needs_outputs(stage: Stage, environ: Mapping[str, str]) -> bool:
    """Whether hosts or queue URLs must be asked for: the deploy that sets `POCKET_HOSTS`, be it empty, has set all."""
    return naming.HOSTS_KEY not in environ and any(item.address or item.queue for item in stage.handlers.values())


def placeholders(stage: Stage, environ: Mapping[str, str]) -> dict[str, str]:
    """A stand-in for each secret variable that the environment does not hold."""
    return {
        item.name: PLACEHOLDER_DATABASE if "DATABASE" in item.name and "UR" in item.name else PLACEHOLDER
        for item in stage.secrets
        if item.name not in environ
    }


def variables(
    manifest: Manifest,
    stage: Stage,
    environ: Mapping[str, str],
    *,
    secrets: Mapping[str, str],
    outputs: Mapping[str, str],
) -> dict[str, str]:
    """The variables to set, by name. A secret replaces what stood under its name; host lists keep what stood there."""
    found = {**secrets, naming.PROJECT_KEY: stage.project_name or manifest.project_name}
    found[naming.REGION_KEY] = region_of(manifest, stage, environ)
    for name, handler in stage.handlers.items():
        found.update(_facts(name, handler, environ, outputs))
    merged = {**environ, **found}
    hosts = _split(merged.get(naming.HOSTS_KEY, ""))
    endpoints = []
    for name, handler in stage.handlers.items():
        if handler.address:
            hosts += _split(merged.get(naming.host_key(name), ""))
            endpoints += _split(merged.get(naming.endpoint_key(name), ""))
    found[naming.HOSTS_KEY] = ",".join(dict.fromkeys(hosts))
    if hosts:
        found["ALLOWED_HOSTS"] = _joined(merged.get("ALLOWED_HOSTS", ""), (without_port(host) for host in hosts))
    if endpoints:
        found["CSRF_TRUSTED_ORIGINS"] = _joined(merged.get("CSRF_TRUSTED_ORIGINS", ""), endpoints)
    return found


def apply(found: Mapping[str, str]) -> None:
    """Sets all of `found` in the environment, or raises SecretUnavailable and sets nothing."""
    refused = [name for name, value in found.items() if not _fits(value)]
    if refused:
        raise SecretUnavailable(
            f"No environment variable can hold the value of: {', '.join(refused)}.",
            "A value must be text without NUL characters; encode it, in base64 for instance.",
            service="environment",
            operation="set",
            code="UnfitValue",
            names=refused,
        )
    os.environ.update(found)


def without_port(host: str) -> str:
    """The host as Django's ALLOWED_HOSTS wants it: `name`, or `[address]` of IPv6, without a port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _facts(name: str, handler: Handler, environ: Mapping[str, str], outputs: Mapping[str, str]) -> dict[str, str]:
    pairs = []
    if handler.address:
        pairs += [
            (naming.host_key(name), naming.host_output(name)),
            (naming.endpoint_key(name), naming.endpoint_output(name)),
        ]
    if handler.queue:
        pairs.append((naming.queue_url_key(name), naming.queue_url_output(name)))
    return {key: outputs[output] for key, output in pairs if key not in environ and outputs.get(output)}


def _fits(value: str) -> bool:
    try:
        return b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def _split(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]


def _joined(before: str, added: Iterable[str]) -> str:
    return ",".join(dict.fromkeys([*_split(before), *added]))
