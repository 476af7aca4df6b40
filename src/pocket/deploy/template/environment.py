"""The environment of a stage's functions: what the run time needs, so that a cold start makes no extra calls.

An address is known when the template is rendered, except a function URL's: AWS chooses its host when it creates it.
Until a deploy has read it, its variables are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.cdn import DISTRIBUTION, signing_key
from pocket.deploy.template.inputs import queue_id
from pocket.deploy.template.intrinsics import literal, ref, substituted
from pocket.deploy.template.own_resources import variables as resource_variables
from pocket.deploy.template.tasks import task_variables
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.deploy.template.inputs import Inputs

_REFERENCE_ROOM = 40
"""The bytes assumed for the value of one `${...}`: the name of an API or a queue is shorter."""


@dataclass(frozen=True)
class Address:
    """A handler's address; `host` has a port that is not the scheme's default, and may contain `${...}`."""

    scheme: str
    host: str

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://{self.host}"


def address(inputs: Inputs, handler: str) -> Address | None:
    """The handler's address as far as it is known, None where it has none or AWS has not created it yet."""
    declared = inputs.handlers[handler]
    if not declared.has_address:
        return None
    if given := inputs.addresses.get(handler):
        scheme, _, host = given.rstrip("/").partition("://")
        return Address(scheme, host)
    if handler == inputs.config.cdn_handler:
        own = inputs.config.cdn_names
        return Address("https", own[0] if own else f"${{{DISTRIBUTION}.DomainName}}")
    if declared.apigateway is not None and declared.apigateway.domain is not None:
        return Address("https", declared.apigateway.domain)
    if declared.apigateway is not None:
        return Address("https", _default_host(handler))
    learned = inputs.url_hosts.get(handler)
    return Address("https", learned) if learned else None


def _hosts(inputs: Inputs, handler: str) -> Iterator[str]:
    """Every host that the handler answers at: that of its address first, then the API's own beside a domain."""
    if (known := address(inputs, handler)) is None:
        return
    yield known.host
    api = inputs.handlers[handler].apigateway
    if api is not None and api.domain is not None and api.default_endpoint and handler not in inputs.addresses:
        yield _default_host(handler)


def _default_host(handler: str) -> str:
    """The host that AWS gives to the handler's API."""
    return f"${{{naming.logical_id(handler, 'Api')}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"


def variables(inputs: Inputs, handler: str) -> dict[str, Any]:
    """The variables of the handler's function; later ones win: Pocket's, the project's, the handler's, the target's."""
    config = inputs.config
    plain: dict[str, str] = {
        naming.STAGE_KEY: config.name,
        naming.PROJECT_KEY: config.project_name,
        naming.REGION_KEY: config.region,
    }
    if inputs.secrets_changed:
        plain[naming.SECRETS_CHANGED_KEY] = inputs.secrets_changed
    addresses = {name: address(inputs, name) for name in inputs.handlers}
    known = {name: found for name, found in addresses.items() if found is not None}
    # Set even where it is empty, so that the run time does not call CloudFormation.
    plain[naming.HOSTS_KEY] = ",".join(dict.fromkeys(host for name in inputs.handlers for host in _hosts(inputs, name)))
    for name, found in known.items():
        plain[naming.host_key(name)] = found.host
        plain[naming.endpoint_key(name)] = found.endpoint
    for name, declared in inputs.handlers.items():
        if declared.sqs is not None:
            plain[naming.queue_url_key(name)] = f"${{{queue_id(inputs, name)}}}"
    if inputs.handlers[handler].runs_callable:
        plain[naming.CALLABLE_KEY] = inputs.handlers[handler].command
    if key := signing_key(inputs):
        plain[naming.SIGNING_KEY_ID] = f"${{{key}}}"
    if inputs.iam_access is not None and config.database_variable is not None:
        plain[config.database_variable] = inputs.iam_access.url_of(inputs.database_user(handler))
    plain.update(task_variables(inputs))
    own: dict[str, Any] = {key: substituted(value) for key, value in plain.items()}
    if config.settings_module:
        own["DJANGO_SETTINGS_MODULE"] = config.settings_module
    given = config.envs(handler)
    of_resources = resource_variables(inputs)
    plain.update(dict.fromkeys(of_resources, "${"))
    _check_size(handler, {**{key: _filled(value) for key, value in plain.items()}, **given, **inputs.environment})
    own.update(of_resources)
    own.update({key: literal(value) for key, value in given.items()})
    return {**own, **{key: ref(name) for key, name in parameters(inputs).items()}}


def parameters(inputs: Inputs) -> dict[str, str]:
    """The template parameter that carries each variable of the target's environment, so that no template shows it."""
    return {key: f"Environment{number}" for number, key in enumerate(sorted(inputs.environment), 1)}


def _check_size(handler: str, values: dict[str, str]) -> None:
    sizes = {key: len(key.encode()) + len(value.encode()) for key, value in values.items()}
    total = sum(sizes.values())
    if total > naming.LARGEST_ENVIRONMENT:
        largest = sorted(sizes, key=lambda key: -sizes[key])[:3]
        named = ", ".join(f"{key} ({sizes[key]} bytes)" for key in largest)
        raise PlanRefused(
            f"The environment of handler {handler!r} has {total} bytes; Lambda allows {naming.LARGEST_ENVIRONMENT}."
            f" The largest variables: {named}.",
            "Move long values from `awscontainer.envs` to a secret or to the settings module.",
        )


def _filled(value: str) -> str:
    """A text at least as long as the value that CloudFormation substitutes."""
    return value if "${" not in value else value.replace("${", "x" * _REFERENCE_ROOM)
