"""The templates between one release and the next, made from the deployed template and the wanted one.

First `candidate`: new versions are published, and everything that traffic comes through stays as it is deployed. Then
`going_live`: aliases and fronts are as wanted, and nothing is removed yet, so that a rollback is possible. Last
`settled`: what is no longer needed is removed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.own_resources import is_own

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pocket.deploy.template.intrinsics import Resource

    Body = dict[str, Any]

STAGE = "AWS::ApiGatewayV2::Stage"
"""Without its stage, an API does not answer."""

VERSION, ALIAS = "AWS::Lambda::Version", "AWS::Lambda::Alias"
FUNCTION, ROLE, LOGS = "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::LogGroup"
OF_VERSIONS = frozenset({FUNCTION, ROLE, LOGS})
"""What a version of Pocket's consists of: it changes before the gates run, since the live release does not see a
function's change. A role belongs to the live release, too, so it keeps what that may do."""

OF_LIVE = "pocket-live"
"""The name of the policy with the live release's permissions, beside the candidate's."""

_SUBSTITUTED = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")


def references(value: object) -> Iterator[str]:
    """The logical ids of resources and parameters that part of a template refers to."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        match key, [inner] if isinstance(inner, str) else inner:
            case (("Ref" | "DependsOn"), [*names]):
                yield from (name for name in names if isinstance(name, str) and "::" not in name)
            case "Fn::GetAtt", [str(name), *_]:
                yield name.partition(".")[0]
            case "Fn::Sub", [str(text), *given]:
                known = given[0] if given and isinstance(given[0], dict) else {}
                yield from (name for name in _SUBSTITUTED.findall(text) if name not in known)
                yield from references(given)
            case _:
                yield from references(inner)


def in_front(resources: Mapping[str, Resource]) -> set[str]:
    """The ids of what traffic comes through: the aliases, and everything that depends on one, directly or not."""
    found = {name for name, resource in resources.items() if resource["Type"] in {ALIAS, STAGE}}
    others = {name: set(references(resource)) for name, resource in resources.items() if name not in found}
    while more := {name for name, needed in others.items() if needed & found}:
        found |= more
        others = {name: needed for name, needed in others.items() if name not in more}
    return found


def candidate(
    wanted: Body,
    deployed: Mapping[str, Any],
    metadata: Mapping[str, Any],
    *,
    kept: Collection[str],
    closed: Collection[str] = (),
) -> Body:
    """The template that publishes the wanted versions, while the live release answers as before.

    New resources that traffic would come through are left out, except the ids of `closed`, which have no traffic yet.
    Deployed versions stay if they are in `kept` or something refers to them.
    """
    existing: Mapping[str, Resource] = deployed.get("Resources") or {}
    front = in_front(wanted["Resources"])
    resources: dict[str, Resource] = {}
    for name, resource in wanted["Resources"].items():
        if name in existing:
            changes = name not in front and resource["Type"] in OF_VERSIONS and not is_own(resource)
            resources[name] = _for_both(resource, existing[name]) if changes else existing[name]
        elif name not in front or name in closed:
            resources[name] = resource
    resources |= _left(existing, resources, kept)
    outputs = {**(deployed.get("Outputs") or {}), **wanted.get("Outputs", {})}
    possible = {name: value for name, value in outputs.items() if set(references(value)) <= resources.keys()}
    return _body(wanted, deployed, metadata, resources, possible)


def going_live(wanted: Body, deployed: Mapping[str, Any], metadata: Mapping[str, Any]) -> Body:
    """The template in which everything is as wanted, and which still has what else the `deployed` candidate has."""
    resources = {**deployed["Resources"], **wanted["Resources"]}
    return _body(wanted, deployed, metadata, resources, wanted.get("Outputs", {}))


def settled(wanted: Body, deployed: Mapping[str, Any], metadata: Mapping[str, Any], *, kept: Collection[str]) -> Body:
    """The wanted template with the versions of `kept` whose functions it has."""
    existing: Mapping[str, Resource] = deployed.get("Resources") or {}
    versions = {
        name: resource
        for name, resource in existing.items()
        if name in kept and resource["Type"] == VERSION and set(references(resource)) <= wanted["Resources"].keys()
    }
    return _body(wanted, {}, metadata, {**versions, **wanted["Resources"]}, wanted.get("Outputs", {}))


def moved(deployed: Mapping[str, Any], metadata: Mapping[str, Any], aliases: Mapping[str, str]) -> Body:
    """The deployed template with other versions behind its aliases: `aliases` maps their ids to the versions'."""
    resources = dict(deployed["Resources"])
    for name, version in aliases.items():
        properties = {**resources[name]["Properties"], "FunctionVersion": {"Fn::GetAtt": [version, "Version"]}}
        resources[name] = {**resources[name], "Properties": properties}
    return {**deployed, "Metadata": dict(metadata), "Resources": resources}


def alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two templates differ in nothing but metadata and versions that nothing refers to."""
    return _essence(one) == _essence(other)


def _essence(body: Mapping[str, Any]) -> dict[str, Any]:
    resources: Mapping[str, Resource] = body.get("Resources") or {}
    used = {name for resource in resources.values() for name in references(resource)}
    counted = {name: item for name, item in resources.items() if item["Type"] != VERSION or name in used}
    return {**body, "Metadata": None, "Resources": counted}


def _left(
    existing: Mapping[str, Resource], resources: Mapping[str, Resource], kept: Collection[str]
) -> dict[str, Resource]:
    """What only the deployed template has, and what is not removed yet."""
    rest = {name: item for name, item in existing.items() if name not in resources}
    found = {name: item for name, item in rest.items() if item["Type"] != VERSION}
    used = {name for item in (*resources.values(), *found.values()) for name in references(item)}
    return {**found, **{name: item for name, item in rest.items() if name in used or name in kept}}


def _for_both(resource: Resource, existing: Resource) -> Resource:
    """A role that allows what the candidate needs and what the live release needs; any other resource as wanted."""
    if resource["Type"] != ROLE or resource == existing:
        return resource
    own, before = resource["Properties"].get("Policies", []), existing["Properties"].get("Policies", [])
    of_live = next((item for item in before if item["PolicyName"] == OF_LIVE), before[0] if before else None)
    if of_live is None or any(item["PolicyDocument"] == of_live["PolicyDocument"] for item in own):
        return resource
    both = [*own, {**of_live, "PolicyName": OF_LIVE}]
    return {**resource, "Properties": {**resource["Properties"], "Policies": both}}


def _body(
    wanted: Body,
    deployed: Mapping[str, Any],
    metadata: Mapping[str, Any],
    resources: Mapping[str, Resource],
    outputs: Mapping[str, Any],
) -> Body:
    """A template of those resources, with the parameters that they refer to."""
    body = {key: value for key, value in wanted.items() if key not in {"Parameters", "Resources", "Outputs"}}
    for section in ("Conditions", "Mappings"):
        # What only the deployed template has may still be used by a resource that is not removed yet.
        if both := {**(deployed.get(section) or {}), **wanted.get(section, {})}:
            body[section] = both
    body["Metadata"] = dict(metadata)
    parameters = {**(deployed.get("Parameters") or {}), **wanted.get("Parameters", {})}
    used = {name for resource in resources.values() for name in references(resource)}
    if declared := {name: value for name, value in parameters.items() if name in used}:
        body["Parameters"] = declared
    body["Resources"] = dict(resources)
    if outputs:
        body["Outputs"] = dict(outputs)
    return body
