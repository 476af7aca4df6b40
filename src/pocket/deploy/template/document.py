"""The template of a stage's stack, and its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.alarms import alarms
from pocket.deploy.template.api_domains import api_domain
from pocket.deploy.template.body import Template
from pocket.deploy.template.cdn import DISTRIBUTION, SECRET_PARAMETER, cdn
from pocket.deploy.template.environment import parameters
from pocket.deploy.template.events import events
from pocket.deploy.template.failed_events import failures
from pocket.deploy.template.functions import function
from pocket.deploy.template.http_api import function_url, http_api
from pocket.deploy.template.intrinsics import ref
from pocket.deploy.template.marks import description
from pocket.deploy.template.outputs import outputs
from pocket.deploy.template.own_resources import added
from pocket.deploy.template.queues import queue
from pocket.deploy.template.role import execution_role, role
from pocket.deploy.template.schedules import schedules
from pocket.deploy.template.tasks import ROLE, sender_statements, task_schedules

if TYPE_CHECKING:
    from pocket.config.tables.handlers import Handler
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource


def render(inputs: Inputs) -> Template:
    """The template of the stage's stack; equal inputs give equal templates.

    Raises PlanRefused for values that AWS would refuse, and DeployError for a stage without functions.
    """
    resources: dict[str, Resource] = {}
    for handler, declared in inputs.handlers.items():
        resources.update(_resources(inputs, handler, declared))
    resources.update(cdn(inputs))
    resources.update(_tasks(inputs))
    resources.update(alarms(inputs))
    carried = parameters(inputs)
    values = {name: inputs.environment[key] for key, name in carried.items()}
    hidden = list(carried.values())
    if DISTRIBUTION in resources:
        hidden.append(SECRET_PARAMETER)
        if naming.ORIGIN_SECRET in inputs.secrets:
            values[SECRET_PARAMETER] = inputs.secrets[naming.ORIGIN_SECRET]
    body: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description(inputs.config, "Stage"),
    }
    if hidden:
        body["Parameters"] = {name: {"Type": "String", "NoEcho": True} for name in hidden}
    body["Resources"] = resources
    if named := outputs(inputs):
        body["Outputs"] = {name: {"Value": value} for name, value in named.items()}
    return Template(added(body, inputs), values)


def _tasks(inputs: Inputs) -> dict[str, Resource]:
    found = task_schedules(inputs)
    if found:
        account = {"aws:SourceAccount": ref("AWS::AccountId")}
        found[ROLE] = role(inputs, "scheduler.amazonaws.com", sender_statements(inputs), StringEquals=account)
    return found


def _resources(inputs: Inputs, handler: str, declared: Handler) -> dict[str, Resource]:
    found = {**execution_role(inputs, handler), **function(inputs, handler)}
    if declared.apigateway is not None:
        found.update(http_api(inputs, handler, declared.apigateway))
        if declared.apigateway.domain is not None:
            found.update(api_domain(inputs, handler, declared.apigateway.domain))
    if declared.function_url is not None:
        found.update(function_url(handler))
    if declared.sqs is not None:
        found.update(queue(inputs, handler, declared.sqs))
    found.update(schedules(inputs, handler, declared.schedule))
    found.update(events(inputs, handler, declared.events))
    found.update(failures(inputs, handler))
    return found
