"""`permissions` of `[awscontainer]` and of its handlers: what the functions may do besides what Pocket gives them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from pocket.config import patterns
from pocket.config.tables.table import Table

Action = Annotated[str, Field(pattern=patterns.ACTION)]
Resource = Annotated[str, Field(pattern=patterns.PERMITTED)]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Values = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
"""One text or several, of which any may match."""


class Permission(Table):
    """A statement that allows actions in the policy of a role."""

    actions: list[Action] = Field(min_length=1, description="Actions of IAM, such as `rekognition:DetectLabels`.")
    resources: list[Resource] = Field(
        min_length=1,
        description="ARNs, `*` for every resource, or references to resources of the stack, such as `${Table.Arn}`.",
    )
    conditions: dict[str, dict[str, Values]] = Field(
        default_factory=dict, description="When it is allowed: values by condition key, by operator of IAM."
    )
    allow_wildcard: bool = Field(
        False, description="Accept `*` and `service:*` as actions, which allow more than a list of actions."
    )
