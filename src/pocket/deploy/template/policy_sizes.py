"""Whether a role's policies fit into what IAM takes for one role.

While a candidate is checked, a role whose permissions change has the live release's policy beside its own (`steps`), so
that each may be half of it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pocket import naming

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pocket.config import Project
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource
    from pocket.errors import ConfigError

LIMIT = 10_240
"""The characters of all inline policies of a role, without white space:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

_TEXT = re.compile(r'\{"(?:Fn::Sub|Ref)":("(?:[^"\\]|\\.)*")\}')


def size_refusals(project: Project, inputs: Inputs, resources: Mapping[str, Resource]) -> Iterator[ConfigError]:
    """An error for each handler whose role would be too large."""
    for handler in inputs.handlers:
        role = naming.logical_id(handler, "Role")
        size = sum(policy_size(item["PolicyDocument"], inputs) for item in resources[role]["Properties"]["Policies"])
        if 2 * size > LIMIT:
            message = (
                f"The policy of the role has at least {size:,} characters. With as many of the live release's policy,"
                f" while a release is checked, that is more than IAM's {LIMIT:,} for a role."
            )
            hint = (
                "Join resources of `permissions` by a pattern, or put statements into an AWS::IAM::ManagedPolicy of"
                f" awscontainer.resources, with Roles: [!Ref {role}]."
            )
            yield project.error(inputs.config.name, ("awscontainer", "handlers", handler), message, hint)


def policy_size(document: object, inputs: Inputs) -> int:
    """The document's characters, at least: what a reference becomes is longer than its name."""
    text = _TEXT.sub(r"\1", json.dumps(document, separators=(",", ":"), ensure_ascii=False))
    known = {"AccountId": "1" * 12, "Partition": "aws", "Region": inputs.config.region}
    for name, value in known.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    return len(text)
