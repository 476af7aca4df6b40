"""The variables that `set_envs()` sets: secrets, hosts, endpoints and queue URLs of the stage.

`fetch` makes the calls, `compute` the variables, `apply` sets them.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from pocket import naming
from pocket.errors import AWSCallFailed, SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pocket.manifest import Manifest, Stage


class Fetched:
    """Results of the calls: secret values by variable, stack outputs by key; `at` in seconds since the epoch."""

    __slots__ = ("at", "outputs", "secrets")

    def __init__(self, secrets: dict[str, str], outputs: dict[str, str], at: float) -> None:
        self.secrets = secrets
        self.outputs = outputs
        self.at = at


def stage_of(manifest: Manifest, name: str, environ: Mapping[str, str]) -> Stage | None:
    """The stage `name` without the secrets that the environment replaces; None if the manifest does not have it."""
    stage = manifest.stages.get(name)
    return stage if stage is None else stage.without_secrets(environ.get(naming.GIVEN_KEY, "").split(","))


def fetch(manifest: Manifest, stage: Stage, environ: Mapping[str, str]) -> Fetched:
    """Makes the calls that the stage needs, if any, within `aws.DEADLINE` seconds.

    Raises AWSCallFailed, which lists the variables that are not set.
    """
    from pocket.runtime import aws, secret_values

    region, until = region_of(manifest, stage, environ), time.monotonic() + aws.DEADLINE
    # Before the secrets, so that an error here has no frame with secrets in its variables.
    found = _outputs(stage, environ, region, until) if needs_outputs(stage, environ) else {}
    secrets = secret_values.read(stage, region, until=until) if stage.secrets else {}
    return Fetched(secrets, found, time.time())


def _outputs(stage: Stage, environ: Mapping[str, str], region: str, until: float) -> dict[str, str]:
    from pocket.runtime import outputs

    try:
        return outputs.read(stage.stack_name, region, deadline=until - time.monotonic())
    except AWSCallFailed as error:
        names = [key for key, _ in _wanted(stage) if key not in environ]
        raise AWSCallFailed(
            f"{error.message} (for the stack {stage.stack_name}; not set: {', '.join(names)})",
            error.hint,
            service=error.service,
            operation=error.operation,
            code=error.code,
        ) from error


def unanswered(stage: Stage, environ: Mapping[str, str], seconds: float) -> AWSCallFailed:
    """The error for calls that did not end; it lists the variables that are not set."""
    names = [item.name for item in stage.secrets]
    hosts = [key for key, _ in _wanted(stage) if key not in environ] if needs_outputs(stage, environ) else []
    message = f"AWS did not answer within {seconds:g} seconds; not set: {', '.join((*names, *hosts))}."
    hint = "The function cannot reach AWS. In a VPC it needs a NAT gateway or VPC endpoints, and DNS."
    if not names:
        return AWSCallFailed(message, hint, service="cloudformation", operation="DescribeStacks", code="NoAnswer")
    service = stage.secrets[0].service
    return SecretUnavailable(message, hint, service=service, operation="", code="NoAnswer", names=names)


def injected(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that `fetch` needs: Pocket's own, without credentials and secrets, which error reports may show."""
    return {key: value for key, value in environ.items() if key.startswith("POCKET_")}


def region_of(manifest: Manifest, stage: Stage, environ: Mapping[str, str]) -> str:
    """The stage's region: that in the environment, which the deploy sets, else that in pocket.toml."""
    return environ.get(naming.REGION_KEY) or stage.region or manifest.region


def needs_calls(stage: Stage, environ: Mapping[str, str]) -> bool:
    """Whether `fetch` would make a call."""
    return naming.PLACEHOLDER_KEY not in environ and (bool(stage.secrets) or needs_outputs(stage, environ))


def needs_outputs(stage: Stage, environ: Mapping[str, str]) -> bool:
    """Whether to read hosts or queue URLs from the stack: a deploy that sets `POCKET_HOSTS`, even to "", sets all."""
    return naming.HOSTS_KEY not in environ and any(item.address or item.queue for item in stage.handlers.values())


def compute(
    manifest: Manifest,
    stage: Stage,
    environ: Mapping[str, str],
    *,
    secrets: Mapping[str, str],
    outputs: Mapping[str, str],
) -> dict[str, str]:
    """The variables to set, by name. A secret replaces a variable's value; hosts are added to existing lists."""
    found = {**secrets, naming.PROJECT_KEY: stage.project_name or manifest.project_name}
    found[naming.REGION_KEY] = region_of(manifest, stage, environ)
    for key, output in _wanted(stage):
        if key not in environ and outputs.get(output):
            found[key] = outputs[output]
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
        del found  # error reports show the variables of the frame that raises
        raise SecretUnavailable(
            f"These values cannot be environment variables: {', '.join(refused)}.",
            "A value must be text without NUL characters. Encode it, for example in Base64.",
            service="environment",
            operation="set",
            code="UnfitValue",
            names=refused,
        )
    os.environ.update(found)


def without_port(host: str) -> str:
    """The host in the form of Django's ALLOWED_HOSTS: `name`, or `[address]` for IPv6, without a port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _wanted(stage: Stage) -> Iterator[tuple[str, str]]:
    """The variables of hosts, endpoints and queue URLs, each with the stack output that has the same value."""
    for name, handler in stage.handlers.items():
        if handler.address:
            yield naming.host_key(name), naming.host_output(name)
            yield naming.endpoint_key(name), naming.endpoint_output(name)
        if handler.queue:
            yield naming.queue_url_key(name), naming.queue_url_output(name)


def _fits(value: str) -> bool:
    try:
        return b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def _split(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]


def _joined(before: str, added: Iterable[str]) -> str:
    return ",".join(dict.fromkeys([*_split(before), *added]))
