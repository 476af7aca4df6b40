"""Rules for permissions: wildcards are meant, resources have the form of an ARN, and conditions that of IAM's.

Whether AWS has a service and an action is not known here: `deploy.template.iam_actions` looks it up in cfn-lint's list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.suggestions import nearest
from pocket.config.tables.permissions import Permission

_COMPARISONS = {
    "String": ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"),
    "Numeric": ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"),
    "Date": ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"),
    "Arn": ("Equals", "NotEquals", "Like", "NotLike"),
    "Bool": ("",),
    "BinaryEquals": ("",),
    "IpAddress": ("",),
    "NotIpAddress": ("",),
    "Null": ("",),
}
OPERATORS = tuple(f"{kind}{how}" for kind, ways in _COMPARISONS.items() for how in ways)
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""

_REFERENCE = re.compile(r"\$\{[^{}]*\}")
_ARN = re.compile(r"arn:[a-z0-9*-]+:[a-z0-9*-]+:[a-z0-9*-]*:[0-9]*\*?:.+")


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with the permissions of all functions, and of each handler."""
    for path, permission in stage.permissions():
        yield from _wildcards(permission, path)
        for index, resource in enumerate(permission.resources):
            # What a reference stands for is not known; the rest must still be an ARN.
            if not re.match(r"\*$|\$\{(?!AWS::)", resource) and not _ARN.fullmatch(_REFERENCE.sub("1", resource)):
                message = f'Expected "arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE", found "{resource}".'
                hint = "Region and account may be empty, as in arn:aws:s3:::bucket/*, but each colon is required."
                yield Issue((*path, "resources", index), "arn", message, hint)
        yield from _conditions(permission, path)


def _wildcards(permission: Permission, path: KeyPath) -> Iterator[Issue]:
    for index, action in enumerate(permission.actions):
        if not action.rpartition(":")[2].strip("*?") and not permission.allow_wildcard:
            message = f'"{action}" allows every action{" of a service" if ":" in action else ""}.'
            hint = "List the actions that the project uses or, if it needs all, add allow_wildcard = true."
            yield Issue((*path, "actions", index), "wildcard", message, hint, ((*path, "allow_wildcard"),))


def _conditions(permission: Permission, path: KeyPath) -> Iterator[Issue]:
    for operator, keys in permission.conditions.items():
        table = (*path, "conditions", operator)
        bare = re.sub(r"^(ForAnyValue|ForAllValues):", "", operator)
        if bare not in OPERATORS and bare.removesuffix("IfExists") not in OPERATORS:
            message = f'IAM has no condition operator "{operator}".'
            yield Issue(table, "operator", message, nearest(bare, OPERATORS) or "Operators are such as StringEquals.")
        for key in keys:
            if not re.fullmatch(r"[A-Za-z0-9-]+:.+", key):
                message = f'Expected a condition key such as "aws:SourceIp" or "s3:prefix", found "{key}".'
                yield Issue((*table, key), "condition-key", message)
