"""The outputs of a stage's stack: how they are written into the template, and how they are read after a deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pocket import naming
from pocket.deploy.template.cdn import DISTRIBUTION, DISTRIBUTION_OUTPUT
from pocket.deploy.template.domains import domain_id
from pocket.deploy.template.environment import address
from pocket.deploy.template.failed_events import failures_id
from pocket.deploy.template.inputs import queue_id
from pocket.deploy.template.intrinsics import attribute, ref, substituted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.config import StageConfig
    from pocket.deploy.template.inputs import Inputs


def api_output(handler: str) -> str:
    """The output with the id of the handler's HTTP API."""
    return naming.logical_id(handler, "ApiId")


def url_output(handler: str) -> str:
    """The output with the function URL that AWS made for the handler."""
    return naming.logical_id(handler, "Url")


def target_output(handler: str) -> str:
    """The output with the DNS name that the records of the handler's domain lead to."""
    return naming.logical_id(handler, "DomainTarget")


def target_zone_output(handler: str) -> str:
    """The output with the hosted zone, one of AWS's own, of the name in `target_output`."""
    return naming.logical_id(handler, "DomainTargetZone")


def outputs(inputs: Inputs) -> dict[str, Any]:
    """Every output's value by its name."""
    found: dict[str, Any] = {}
    for handler, declared in inputs.handlers.items():
        known = address(inputs, handler)
        if known is not None:
            found[naming.host_output(handler)] = substituted(known.host)
            found[naming.endpoint_output(handler)] = substituted(known.endpoint)
        elif declared.function_url is not None:
            found.update(_unknown_url(handler))
        if declared.apigateway is not None:
            found[api_output(handler)] = ref(naming.logical_id(handler, "Api"))
            if (domain := declared.apigateway.domain) is not None:
                name = domain_id(domain, "Name")
                found[target_output(handler)] = attribute(name, "RegionalDomainName")
                found[target_zone_output(handler)] = attribute(name, "RegionalHostedZoneId")
        if declared.function_url is not None:
            found[url_output(handler)] = _url(handler)
        if declared.sqs is not None:
            found[naming.queue_url_output(handler)] = ref(queue_id(inputs, handler))
        if declared.keeps_failures:
            found[naming.failures_output(handler)] = ref(failures_id(handler))
    if inputs.config.cdn_handler is not None:
        found[DISTRIBUTION_OUTPUT] = ref(DISTRIBUTION)
        if inputs.config.cdn_names:
            found[target_output(inputs.config.cdn_handler)] = attribute(DISTRIBUTION, "DomainName")
    return found


def addresses(stage: StageConfig, found: Mapping[str, str]) -> dict[str, str]:
    """The address of each handler that has one, from a stack's outputs."""
    named = ((handler, found.get(naming.endpoint_output(handler))) for handler in _handlers(stage))
    return {handler: value for handler, value in named if value}


def targets(stage: StageConfig, found: Mapping[str, str]) -> dict[str, str]:
    """The DNS name behind the address of each handler whose address is its domain, from a stack's outputs."""
    named = [(domain.handler, domain.name) for domain in stage.domains if domain.handler is not None]
    if stage.cdn_handler is not None and stage.cdn_names:
        named.append((stage.cdn_handler, stage.cdn_names[0]))
    return {
        handler: found[target_output(handler)]
        for handler, name in named
        if found.get(naming.endpoint_output(handler)) == f"https://{name}" and target_output(handler) in found
    }


def url_hosts(stage: StageConfig, found: Mapping[str, str]) -> dict[str, str]:
    """The host of each handler's function URL, as AWS made it, from a stack's outputs."""
    named = ((handler, found.get(url_output(handler))) for handler in _handlers(stage))
    return {handler: urlsplit(value).netloc for handler, value in named if value}


def routes(stage: StageConfig, found: Mapping[str, str]) -> dict[str, str]:
    """The id of each handler's distribution, HTTP API or function URL, from a stack's outputs."""
    apis = {handler: found[api_output(handler)] for handler in _handlers(stage) if api_output(handler) in found}
    urls = {handler: host.split(".")[0] for handler, host in url_hosts(stage, found).items()}
    behind = stage.cdn_handler
    distribution = distribution_id(found)
    in_front = {} if behind is None or distribution is None else {behind: distribution}
    return {**urls, **apis, **in_front}


def distribution_id(found: Mapping[str, str]) -> str | None:
    """The id of the stage's distribution, from a stack's outputs; None without one."""
    return found.get(DISTRIBUTION_OUTPUT)


def _handlers(stage: StageConfig) -> Iterator[str]:
    yield from stage.awscontainer.handlers if stage.awscontainer else ()


def _url(handler: str) -> dict[str, list[str]]:
    return attribute(naming.logical_id(handler, "Url"), "FunctionUrl")


def _unknown_url(handler: str) -> dict[str, Any]:
    """Host and address of a function URL that is not known yet, taken from `https://HOST/`."""
    host = {"Fn::Select": [2, {"Fn::Split": ["/", _url(handler)]}]}
    return {
        naming.host_output(handler): host,
        naming.endpoint_output(handler): {"Fn::Sub": ["https://${Host}", {"Host": host}]},
    }
