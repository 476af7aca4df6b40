"""The template of a stage's stack, and its outputs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.environment import address, parameters
from pocket.deploy.template.functions import function
from pocket.deploy.template.http_api import function_url, http_api
from pocket.deploy.template.intrinsics import ref, substituted
from pocket.deploy.template.queues import queue
from pocket.deploy.template.role import execution_role
from pocket.deploy.template.schedules import schedules
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.config.tables.handlers import Handler
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource


@dataclass(frozen=True)
class Template:
    """A template's `body`, and the values of its parameters, which may be secret."""

    body: dict[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)

    def to_json(self) -> str:
        """The body as JSON, as small as it gets: CloudFormation takes 51,200 bytes at most."""
        return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False)


def render(inputs: Inputs) -> Template:
    """The template of the stage's stack; equal inputs give equal templates.

    Raises PlanRefused for what AWS would refuse later, and DeployError for a stage without functions.
    """
    resources: dict[str, Resource] = {}
    for handler, declared in inputs.handlers.items():
        for logical_id, resource in _resources(inputs, handler, declared).items():
            if logical_id in resources:
                raise PlanRefused(
                    f"awscontainer.handlers.{handler}: its resource {logical_id} has the name of another handler's.",
                    "Rename one of the handlers.",
                )
            resources[logical_id] = resource
    carried = parameters(inputs)
    body: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Stage {inputs.config.name} of {inputs.config.project_name}, made by Pocket",
    }
    if carried:
        body["Parameters"] = {name: {"Type": "String", "NoEcho": True} for name in carried.values()}
    body["Resources"] = resources
    if outputs := _outputs(inputs):
        body["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
    return Template(body, {name: inputs.environment[key] for key, name in carried.items()})


def api_output(handler: str) -> str:
    """The stack output with the id of the handler's HTTP API."""
    return naming.logical_id(handler, "ApiId")


def url_output(handler: str) -> str:
    """The stack output with the function URL that AWS made for the handler."""
    return naming.logical_id(handler, "Url")


def _resources(inputs: Inputs, handler: str, declared: Handler) -> dict[str, Resource]:
    found = {**execution_role(inputs, handler), **function(inputs, handler)}
    if declared.apigateway is not None:
        found.update(http_api(inputs, handler))
    if declared.function_url is not None:
        found.update(function_url(handler))
    if declared.sqs is not None:
        found.update(queue(inputs, handler, declared.sqs))
    found.update(schedules(inputs, handler, declared.schedule))
    return found


def _outputs(inputs: Inputs) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for handler, declared in inputs.handlers.items():
        known = address(inputs, handler)
        if known is not None:
            found[naming.host_output(handler)] = substituted(known.host)
            found[naming.endpoint_output(handler)] = substituted(known.endpoint)
        elif declared.function_url is not None:
            found.update(_url_outputs(handler))
        if declared.apigateway is not None:
            found[api_output(handler)] = ref(naming.logical_id(handler, "Api"))
        if declared.function_url is not None:
            found[url_output(handler)] = _url(handler)
        if declared.sqs is not None:
            found[naming.queue_url_output(handler)] = ref(naming.logical_id(handler, "Queue"))
    return found


def _url(handler: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [naming.logical_id(handler, "Url"), "FunctionUrl"]}


def _url_outputs(handler: str) -> dict[str, Any]:
    """Host and address of a function URL that is not known yet, cut out of `https://HOST/`."""
    host = {"Fn::Select": [2, {"Fn::Split": ["/", _url(handler)]}]}
    return {
        naming.host_output(handler): host,
        naming.endpoint_output(handler): {"Fn::Sub": ["https://${Host}", {"Host": host}]},
    }
