"""The published versions of a stage's functions, as Lambda numbers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket.deploy.template.steps import VERSION

if TYPE_CHECKING:
    from pocket.deploy.aws.session import Clients


def numbers(clients: Clients, stack: str) -> dict[str, str]:
    """Lambda's number of each version in the stack, by logical id; `stack` is the stack's name or id."""
    pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    found = (item for page in pages for item in page["StackResourceSummaries"])
    return {
        item["LogicalResourceId"]: item.get("PhysicalResourceId", "").rpartition(":")[2]
        for item in found
        if item["ResourceType"] == VERSION
    }
