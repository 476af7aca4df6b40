"""Whether AWS has the services and actions of the file's `permissions`, by cfn-lint's list of them (its rule W3037)."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

from pocket.config.suggestions import nearest
from pocket.deploy.template.linting import matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.config import StageConfig
    from pocket.config.overlay import KeyPath

RULE = "W3037"
"""https://github.com/aws-cloudformation/cfn-lint/blob/main/docs/rules.md"""


def unknown_actions(stage: StageConfig) -> Iterator[tuple[KeyPath, str, str]]:
    """Each action that AWS does not have: its path in the file, a message and a hint.

    Raises PlanRefused where cfn-lint is not installed.
    """
    declared = list(stage.permissions())
    if not declared:
        return
    policies = {f"Policy{number}": _policy(item.actions) for number, (_, item) in enumerate(declared)}
    for match in matches(json.dumps({"Resources": policies}), stage.region):
        if match.rule.id != RULE or not match.path:
            continue
        path, permission = declared[int(match.path[1].removeprefix("Policy"))]
        name, known = _read(match.message)
        for index, action in enumerate(permission.actions):
            service, _, operation = action.partition(":")
            if service.lower() == name:
                yield (*path, "actions", index), f'AWS has no service "{service}".', _hint(service, known)
            elif operation.lower() == name and (near := _spelled(service, known)) is not None:
                yield (*path, "actions", index), f'"{service}" has no action "{operation}".', _hint(operation, near)


def _policy(actions: Sequence[str]) -> dict[str, object]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}


def _read(message: str) -> tuple[str, list[str]]:
    """The name that cfn-lint does not know, in lowercase, and those that it knows: `'x' is not one of ['a', 'b']`."""
    name, _, known = message.partition(" is not one of ")
    try:
        return str(ast.literal_eval(name)), list(ast.literal_eval(known))
    except (SyntaxError, TypeError, ValueError):
        return name.strip("'\""), []


def _spelled(service: str, names: Sequence[str]) -> list[str]:
    """Names of actions as AWS spells them, as far as the service's API has operations of these names."""
    from botocore.exceptions import UnknownServiceError
    from botocore.session import Session

    try:
        operations = Session().get_service_model(service).operation_names
    except UnknownServiceError:
        operations = []
    spelled = {name.lower(): name for name in operations}
    return [spelled.get(name, name) for name in names]


def _hint(name: str, known: Sequence[str]) -> str:
    hint = nearest(name, known)
    return f"{hint} " * bool(hint) + "If AWS added it recently, update cfn-lint, whose list this is."
