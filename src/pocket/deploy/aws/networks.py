"""A network of the account as a function in it sees it: its way to the internet, and the services with an endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pocket.config.tables.vpc import Vpc
    from pocket.deploy.aws.session import Clients

ANYWHERE = "0.0.0.0/0"
_LEADING_OUT = ("NatGatewayId", "TransitGatewayId", "CoreNetworkArn", "NetworkInterfaceId", "InstanceId")
_GATEWAYS_OUT = ("vgw-", "vpce-")


@dataclass(frozen=True)
class Network:
    """What AWS's descriptions say of one network, as far as a function depends on it.

    `exits` has, by subnet, the target of the default route that a function can use, or "". `endpoints` has, by subnet,
    the full names of the services that an endpoint leads to.
    """

    vpc: str
    zones: tuple[str, ...]
    exits: Mapping[str, str]
    endpoints: Mapping[str, frozenset[str]]
    to_internet_gateway: frozenset[str] = frozenset()

    @property
    def closed(self) -> list[str]:
        """The subnets without a way to the internet."""
        return [name for name, target in self.exits.items() if not target]

    def missing(self, services: Iterable[str], region: str) -> list[str]:
        """The services, of those given, that cannot be reached from every subnet."""
        return [name for name in services if any(not self._leads(subnet, name, region) for subnet in self.closed)]

    def _leads(self, subnet: str, service: str, region: str) -> bool:
        # The names begin with com.amazonaws; in China, those of some services with cn.com.amazonaws.
        return any(name.endswith(f".{region}.{service}") for name in self.endpoints[subnet])


def read(clients: Clients, vpc: Vpc) -> Network:
    """The network of the subnets. Raises PlanRefused for a subnet or security group that it does not have."""
    subnets = _all(clients.ec2.get_paginator("describe_subnets"), "Subnets", "subnet-id", vpc.subnet_ids)
    groups = _all(
        clients.ec2.get_paginator("describe_security_groups"), "SecurityGroups", "group-id", vpc.security_group_ids
    )
    known = {item["SubnetId"]: item for item in subnets}
    known |= {item["GroupId"]: item for item in groups}
    for name in (*vpc.subnet_ids, *vpc.security_group_ids):
        if name not in known:
            raise PlanRefused(
                f"{name} does not exist in {clients.target.region}.",
                "Compare the account, the region and the id: `aws ec2 describe-subnets`, `aws ec2"
                " describe-security-groups`.",
            )
    first = known[vpc.subnet_ids[0]]["VpcId"]
    for name in (*vpc.subnet_ids, *vpc.security_group_ids):
        if (other := known[name]["VpcId"]) != first:
            raise PlanRefused(
                f"{name} belongs to {other}, and {vpc.subnet_ids[0]} to {first}.",
                "A function is attached to one network: name subnets and security groups of the same one.",
            )
    tables = _all(clients.ec2.get_paginator("describe_route_tables"), "RouteTables", "vpc-id", [first])
    endpoints = _all(clients.ec2.get_paginator("describe_vpc_endpoints"), "VpcEndpoints", "vpc-id", [first])
    chosen = [known[name] for name in vpc.subnet_ids]
    return described(first, chosen, tables, [item for item in endpoints if item["VpcId"] == first])


def _all(paginator: Any, key: str, filter_name: str, values: Sequence[str]) -> list[Mapping[str, Any]]:
    pages = paginator.paginate(Filters=[{"Name": filter_name, "Values": list(values)}])
    return [item for page in pages for item in page[key]]


def described(
    vpc: str,
    subnets: Sequence[Mapping[str, Any]],
    tables: Sequence[Mapping[str, Any]],
    endpoints: Sequence[Mapping[str, Any]],
) -> Network:
    """The network, from AWS's descriptions of its subnets, route tables and endpoints."""
    own = {item["SubnetId"]: _table_of(item["SubnetId"], tables) for item in subnets}
    exits = {name: next(filter(None, map(_target, _default_routes(table))), "") for name, table in own.items()}
    usable = [item for item in endpoints if str(item.get("State", "")).lower() == "available"]
    return Network(
        vpc,
        tuple(dict.fromkeys(str(item.get("AvailabilityZone", "")) for item in subnets)),
        exits,
        {name: frozenset(_services(usable, table.get("RouteTableId", ""))) for name, table in own.items()},
        frozenset(name for name, table in own.items() if any(map(_to_internet_gateway, _default_routes(table)))),
    )


def _table_of(subnet: str, tables: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The subnet's own route table, else the network's main one."""
    for key, value in (("SubnetId", subnet), ("Main", True)):
        for table in tables:
            if any(item.get(key) == value for item in table.get("Associations", ())):
                return table
    return {}


def _default_routes(table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The routes to everything. One to NAT counts for any destination: two halves, or a list of prefixes."""
    active = (route for route in table.get("Routes", ()) if route.get("State", "active") == "active")
    return [route for route in active if route.get("NatGatewayId") or route.get("DestinationCidrBlock") == ANYWHERE]


def _target(route: Mapping[str, Any]) -> str:
    """Where a route leads that a function can use; an internet gateway (`igw-`) needs a public address."""
    gateway = str(route.get("GatewayId", ""))
    return next(
        (str(route[key]) for key in _LEADING_OUT if route.get(key)),
        gateway if gateway.startswith(_GATEWAYS_OUT) else "",
    )


def _to_internet_gateway(route: Mapping[str, Any]) -> bool:
    return str(route.get("GatewayId", "")).startswith("igw-")


def _services(endpoints: Iterable[Mapping[str, Any]], table: str) -> Iterator[str]:
    """The services that endpoints lead to by their public names, from a subnet with that route table."""
    for item in endpoints:
        if item.get("PrivateDnsEnabled") or table in item.get("RouteTableIds", ()):
            yield item["ServiceName"]
