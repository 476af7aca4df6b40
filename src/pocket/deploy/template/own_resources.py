"""The user's own resources in the stage's template, and their outputs in the functions' environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.marks import METADATA
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource

RESERVED = "Pocket"
"""What the names begin with that only Pocket gives."""

_OWN = "own"
_BOUNDED = ("AWS::IAM::Role", "AWS::IAM::User")
_SUBSTITUTED = re.compile(r"\$\{(Pocket[A-Za-z0-9]*)\}")


def constants(inputs: Inputs) -> dict[str, str]:
    """The names that stand for facts about the stage, in `Ref` and in `Fn::Sub`."""
    config = inputs.config
    found = {"PocketStage": config.name, "PocketProject": config.project_name}
    return found if config.bucket_name is None else {**found, "PocketBucket": config.bucket_name}


def is_own(resource: Mapping[str, Any]) -> bool:
    """Whether a resource of a template is the user's own."""
    metadata = resource.get("Metadata")
    return isinstance(metadata, dict) and metadata.get(METADATA) == _OWN


def added(body: dict[str, Any], inputs: Inputs) -> dict[str, Any]:
    """The stage's template with the user's resources, conditions, mappings and outputs.

    Raises PlanRefused for a name that is Pocket's.
    """
    if not inputs.own:
        return body
    known = constants(inputs)
    whole = dict(body)
    for section, items in inputs.own.items():
        mine = body.get(section, {})
        taken = [
            name for name in items if name in mine or name.startswith(RESERVED) or name in body.get("Parameters", {})
        ]
        if taken:
            raise PlanRefused(f"{section} of awscontainer.resources: the name {taken[0]} is Pocket's.", "Rename it.")
        theirs = {name: filled(item, known) for name, item in items.items()}
        if section == "Resources":
            theirs = {name: _marked(item, inputs) for name, item in theirs.items()}
        whole[section] = {**mine, **theirs}
    return whole


def variables(inputs: Inputs) -> dict[str, Any]:
    """The values of `resource_envs`; raises PlanRefused for an output that the file does not have.

    A variable whose output has a condition that does not hold is left out.
    """
    outputs = inputs.own.get("Outputs", {})
    found: dict[str, Any] = {}
    for name, output in inputs.container.resource_envs.items():
        if output not in outputs:
            raise PlanRefused(
                f"awscontainer.resource_envs.{name}: awscontainer.resources has no output {output!r}.",
                f"Its outputs: {', '.join(outputs) or 'none'}.",
            )
        declared = filled(outputs[output], constants(inputs))
        value = declared["Value"]
        if "Condition" in declared:
            value = {"Fn::If": [declared["Condition"], value, {"Ref": "AWS::NoValue"}]}
        found[name] = value
    return found


def _marked(resource: Resource, inputs: Inputs) -> Resource:
    """The resource with a mark that it is the user's, and within the stage's permissions boundary."""
    marked = {**resource, "Metadata": {**resource.get("Metadata", {}), METADATA: _OWN}}
    boundary = inputs.container.permissions_boundary
    if boundary is not None and resource["Type"] in _BOUNDED:
        marked["Properties"] = {"PermissionsBoundary": boundary, **resource.get("Properties", {})}
    return marked


def filled(value: Any, known: Mapping[str, str]) -> Any:
    """Part of a template with the values of `known` names; a part without any is returned itself, with its lines."""
    if isinstance(value, list):
        items = [filled(item, known) for item in value]
        return value if all(one is other for one, other in zip(items, value, strict=True)) else items
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and isinstance(name := value.get("Ref"), str) and name in known:
        return known[name]
    parts = {key: filled(item, known) for key, item in value.items()}
    for key in parts.keys() & {"Fn::Sub"}:
        parts[key] = _substituted(parts[key], known)
    return value if all(parts[key] is value[key] for key in value) else parts


def _substituted(value: Any, known: Mapping[str, str]) -> Any:
    text = value[0] if isinstance(value, list) and value else value
    if not isinstance(text, str) or not _SUBSTITUTED.search(text):
        return value
    done = _SUBSTITUTED.sub(lambda match: known.get(match[1], match[0]), text)
    return [done, *value[1:]] if isinstance(value, list) else done
