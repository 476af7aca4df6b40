"""A network of the local AWS for the tests of `[vpc]`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Subnets:
    """`open` has a route to the gateway `nat`, `closed` has none, `other` is in another network than `group`."""

    open: str
    closed: str
    other: str
    group: str
    nat: str


@contextmanager
def network(ec2: Any) -> Iterator[Subnets]:
    """Makes the network with a client of EC2, and removes it."""
    vpcs = [ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"] for block in ("10.7.0.0/16", "10.8.0.0/16")]
    blocks = ((vpcs[0], "10.7.1.0/24"), (vpcs[0], "10.7.2.0/24"), (vpcs[1], "10.8.1.0/24"))
    names = [ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"] for vpc, block in blocks]
    group = ec2.create_security_group(VpcId=vpcs[0], GroupName="functions", Description="functions")["GroupId"]
    nat = ec2.create_nat_gateway(SubnetId=names[0])["NatGateway"]["NatGatewayId"]
    routes = ec2.create_route_table(VpcId=vpcs[0])["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=routes, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    association = ec2.associate_route_table(RouteTableId=routes, SubnetId=names[0])["AssociationId"]
    yield Subnets(names[0], names[1], names[2], group, nat)
    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=routes)
    ec2.delete_security_group(GroupId=group)
    for name in names:
        ec2.delete_subnet(SubnetId=name)
    for vpc in vpcs:
        ec2.delete_vpc(VpcId=vpc)
