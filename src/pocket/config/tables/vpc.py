"""`[vpc]`: the existing network that the functions are attached to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pocket.config import patterns
from pocket.config.tables.table import Table

# Lambda's own limits: https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
_LARGEST_SUBNETS, _LARGEST_GROUPS = 16, 5


class Vpc(Table):
    """The network of every function of the stage. Pocket makes none."""

    subnet_ids: list[Annotated[str, Field(pattern=patterns.SUBNET)]] = Field(
        min_length=1, max_length=_LARGEST_SUBNETS, description="Subnets that the functions get network interfaces in."
    )
    security_group_ids: list[Annotated[str, Field(pattern=patterns.SECURITY_GROUP)]] = Field(
        min_length=1, max_length=_LARGEST_GROUPS, description="Security groups of the functions' network interfaces."
    )
