"""What a permission or a variable may not refer to: what the stack does not have, or what needs the function itself.

A role and a function change with the candidate. What refers to an alias changes once `live` moves, so that neither may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket import naming
from pocket.deploy.template.intrinsics import substituted
from pocket.deploy.template.own_resources import variables
from pocket.deploy.template.steps import ALIAS, STAGE, references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pocket.config import Project, StageConfig
    from pocket.config.overlay import KeyPath
    from pocket.config.tables.permissions import Permission
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource
    from pocket.errors import ConfigError

    Resources = Mapping[str, Resource]


def reference_refusals(project: Project, inputs: Inputs, resources: Resources) -> Iterator[ConfigError]:
    """The errors in the references of `permissions` and `resource_envs`, each with its line."""
    stage = inputs.config
    for path, permission in stage.permissions():
        handlers = [str(path[2])] if path[1] == "handlers" else list(inputs.handlers)
        for place, text in _texts(permission):
            for name in references(substituted(text)):
                if name not in resources:
                    message = f"The stack has no resource {name!r}."
                    hint = "Declare it in awscontainer.resources; ${!name} is a variable of IAM's policies."
                    yield project.error(stage.name, (*path, *place), message, hint)
                elif reason := _reason(name, "Role", handlers, resources):
                    hint = f"Write its ARN without a reference{_example(inputs, name)}."
                    yield project.error(stage.name, (*path, *place), f"A role cannot refer to {name}: {reason}", hint)
    for variable, value in variables(inputs).items():
        for name in references(value):
            if name in resources and (reason := _reason(name, "Function", inputs.handlers, resources)):
                message = f"A function's variable cannot refer to {name}: {reason}"
                hint = "Let the code form the name, or read it where the code needs it."
                yield project.error(stage.name, ("awscontainer", "resource_envs", variable), message, hint)


def refers(stage: StageConfig) -> bool:
    """Whether a permission of the stage refers to a resource of its stack."""
    texts = (text for _, permission in stage.permissions() for _, text in _texts(permission))
    return any(name for text in texts for name in references(substituted(text)))


def _texts(permission: Permission) -> Iterator[tuple[KeyPath, str]]:
    for index, text in enumerate(permission.resources):
        yield ("resources", index), text
    for operator, keys in permission.conditions.items():
        for key, values in keys.items():
            for text in values:
                yield ("conditions", operator, key), text


def _reason(name: str, part: str, handlers: Iterable[str], resources: Resources) -> str:
    """Why that `part` of the handlers cannot refer to `name`; "" where it can."""
    own = {naming.logical_id(handler, part): handler for handler in handlers}
    needed = _needed(name, resources)
    if circle := own.keys() & needed:
        return f"it needs the {part.lower()} of {' and '.join(sorted(own[item] for item in circle))} itself."
    if any(resources[item]["Type"] in {ALIAS, STAGE} for item in needed):
        return "it changes only once the release is live."
    return ""


def _needed(name: str, resources: Resources) -> set[str]:
    """The ids of the resources that one refers to, directly or not, and its own."""
    found: set[str] = set()
    open_ = {name}
    while open_:
        found |= open_
        open_ = {other for item in open_ for other in references(resources[item]) if other in resources} - found
    return found


def _example(inputs: Inputs, name: str) -> str:
    """The ARN of one of Pocket's functions or aliases, for a hint; "" for another resource."""
    for handler in inputs.handlers:
        for part, qualifier in (("Function", ""), ("Alias", f":{naming.ALIAS}")):
            if name == naming.logical_id(handler, part):
                function = f"function:{inputs.config.function_name(handler)}{qualifier}"
                return f": arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:{function}"
    return ""
