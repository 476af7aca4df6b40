"""What `set_envs()` puts into the environment: secrets, hosts, endpoints and queue URLs of the stage.

`fetch` makes the calls, `variables` decides.
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
    """What AWS answered: secret values by variable, stack outputs by key; `at` in seconds since the epoch."""

    __slots__ = ("at", "outputs", "secrets")

    def __init__(self, secrets: dict[str, str], outputs: dict[str, str], at: float) -> None:
        self.secrets = secrets
        self.outputs = outputs
        self.at = at


def fetch(manifest: Manifest, stage: Stage, environ: Mapping[str, str]) -> Fetched:
    """Makes the calls that the stage needs, none if it needs none, within `aws.DEADLINE` seconds.

    Raises AWSCallFailed, which names the variables that could not be had.
    """
    from pocket.runtime import aws, secret_values

    region, until = region_of(manifest, stage, environ), time.monotonic() + aws.DEADLINE
    # Before the secrets, so that a failure leaves no frame that holds them.
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
    """The error for calls that did not come to their end; it names the variables that they were for."""
    names = [item.name for item in stage.secrets]
    hosts = [key for key, _ in _wanted(stage) if key not in environ] if needs_outputs(stage, environ) else []
    message = f"AWS did not answer within {seconds:g} seconds; not set: {', '.join((*names, *hosts))}."
    hint = "The function cannot reach AWS: in a VPC it needs a NAT or VPC endpoints, and DNS."
    if not names:
        return AWSCallFailed(message, hint, service="cloudformation", operation="DescribeStacks", code="NoAnswer")
    service = stage.secrets[0].service
    return SecretUnavailable(message, hint, service=service, operation="", code="NoAnswer", names=names)


def injected(environ: Mapping[str, str]) -> dict[str, str]:
    """What `fetch` looks at: Pocket's own variables, without credentials or secrets that an error report would show."""
    return {key: value for key, value in environ.items() if key.startswith("POCKET_")}


def region_of(manifest: Manifest, stage: Stage, environ: Mapping[str, str]) -> str:
    """The stage's region: the one that the deploy injected, else the file's."""
    return environ.get(naming.REGION_KEY) or stage.region or manifest.region


def needs_calls(stage: Stage, environ: Mapping[str, str]) -> bool:
    """Whether `fetch` would make a call at all."""
    return naming.PLACEHOLDER_KEY not in environ and (bool(stage.secrets) or needs_outputs(stage, environ))


def needs_outputs(stage: Stage, environ: Mapping[str, str]) -> bool:
    """Whether hosts or queue URLs must be asked for: the deploy that sets `POCKET_HOSTS`, be it empty, has set all."""
    return naming.HOSTS_KEY not in environ and any(item.address or item.queue for item in stage.handlers.values())


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


def _wanted(stage: Stage) -> Iterator[tuple[str, str]]:
    """The variables of hosts, endpoints and queue URLs, each with the stack's output that has the value, too."""
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
