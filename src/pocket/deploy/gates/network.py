"""Gate `network`: from the network of `[vpc]` the functions reach what they call. It only reads.

A function in a network has no public address. It reaches AWS's APIs through NAT, or through a VPC endpoint of each
service: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from pocket.config import build_manifest
from pocket.deploy.aws import networks
from pocket.deploy.aws.networks import ANYWHERE
from pocket.deploy.gates.gate import NETWORK, refusal
from pocket.deploy.template import Inputs
from pocket.deploy.template.own_refusals import UNBUILT
from pocket.deploy.template.permissions import BY_LAMBDA, DECLARED, statements
from pocket.deploy.template.steps import FUNCTION
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pocket.config import Project, StageConfig
    from pocket.deploy.aws.networks import Network
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

_WITHOUT_API = frozenset({"iam", "rds-db"})
"""Prefixes of actions that are permissions of other calls, or of connections."""

_ENDPOINTS = {"ses": "email"}
"""The services whose endpoint has another name than their actions."""

_GATEWAYS = ("s3", "dynamodb")


def check(
    project: Project,
    stage: StageConfig,
    clients: Clients,
    reporter: Reporter,
    *,
    deployed: Mapping[str, Any],
    live: int | None,
) -> tuple[str, ...]:
    """What the plan says about the stage's network; nothing where the functions of the template `deployed` are in it.

    Raises GateRefused for a network that does not exist, or from which the functions do not reach what they call.
    """
    present = list(_attached(deployed))
    try:
        if stage.vpc is None:
            examine(project, stage, clients)
            return ("The functions leave their network, and reach the internet directly.",) if any(present) else ()
        with reporter.step(f"Gate {NETWORK}: look up the subnets, their routes and endpoints"):
            found = examine(project, stage, clients)
    except PlanRefused as error:
        raise refusal(stage, live, NETWORK, [error.message], error.hint) from error
    wanted = {"SubnetIds": stage.vpc.subnet_ids, "SecurityGroupIds": stage.vpc.security_group_ids}
    if found is None or (present and all(item == wanted for item in present)):
        return ()
    return tuple(_lines(project, stage, found))


def examine(project: Project, stage: StageConfig, clients: Clients) -> Network | None:
    """The stage's network; None without one, and on the local AWS.

    Raises PlanRefused where it does not exist, or the functions do not reach what they call.
    """
    if not clients.target.has_networks:
        return None
    if stage.vpc is None:
        _refuse_private(stage)
        return None
    found = networks.read(clients, stage.vpc)
    refuse_unreachable(project, stage, found)
    return found


def _refuse_private(stage: StageConfig) -> None:
    """Raises PlanRefused for a database whose address is in a network that the functions are not in."""
    host = None if stage.database is None else stage.database.host
    if host is None:
        return
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)}
    except OSError:
        return  # a name that only the network's own DNS knows; a connection will tell
    private = sorted(address for address in addresses if ip_address(address.partition("%")[0]).is_private)
    if private and len(private) == len(addresses):
        raise PlanRefused(
            f"The database's host {host} has only the private address {', '.join(private)}, and the functions are in"
            " no network.",
            "Attach them to the database's network: [vpc] with subnet_ids and security_group_ids.",
        )


def _attached(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in (body.get("Resources") or {}).values():
        if resource["Type"] == FUNCTION:
            yield resource["Properties"].get("VpcConfig", {})


def services(project: Project, stage: StageConfig) -> tuple[list[tuple[str, str]], list[str]]:
    """What the functions call: services that Pocket uses, with their regions, and others that the file permits."""
    inputs = Inputs(stage, build_manifest(project).stages[stage.name], UNBUILT)
    own: set[str] = set()
    declared: set[str] = set()
    for handler in inputs.handlers:
        for statement in statements(inputs, handler):
            if statement["Effect"] == "Allow" and statement["Sid"] not in BY_LAMBDA:
                names = {action.partition(":")[0] for action in statement["Action"]} - _WITHOUT_API
                into = declared if statement["Sid"].startswith(DECLARED) else own
                into.update(_ENDPOINTS.get(name, name) for name in names)
    mail = stage.region if stage.ses is None else stage.ses.region or stage.region
    return [(name, mail if name == "email" else stage.region) for name in sorted(own)], sorted(declared - own)


def refuse_unreachable(project: Project, stage: StageConfig, network: Network) -> None:
    """Raises PlanRefused where a function could not reach a service that it calls."""
    closed = network.closed
    if not closed:
        return
    own, _ = services(project, stage)
    missing = [name for name, region in own if network.missing([name], region)]
    if stage.cluster_name is not None or stage.branch_name is not None:
        missing.append("the stage's database, which has a public address")
    if not missing:
        return
    because = f"{', '.join(closed)} of {network.vpc}: no route leads to the internet through NAT, and no VPC endpoint"
    because += " to what is missing"
    if wrong := [name for name in closed if name in network.to_internet_gateway]:
        because += f". The internet gateway of {', '.join(wrong)} does not help a function, which has no public address"
    raise PlanRefused(
        f"The functions call {', '.join(missing)}, and do not reach it from {because}.", _hint(own, missing)
    )


def _hint(own: Sequence[tuple[str, str]], missing: Sequence[str]) -> str:
    endpoints = [
        f"{_beginning(region)}.{region}.{name} ({'gateway' if name in _GATEWAYS else 'interface, with private DNS'})"
        for name, region in own
        if name in missing
    ]
    ways = [f"create the VPC endpoints {', '.join(endpoints)}"] if len(endpoints) == len(missing) else []
    ways.append(f"route {ANYWHERE} of the subnets to a NAT gateway")
    text = ", or ".join(ways)
    return f"{text[0].upper()}{text[1:]}. Pocket makes no network."


def _beginning(region: str) -> str:
    # In China it depends on the service; `aws ec2 describe-vpc-endpoint-services` lists both forms.
    return "[cn.]com.amazonaws" if region.startswith("cn-") else "com.amazonaws"


def _lines(project: Project, stage: StageConfig, network: Network) -> Iterator[str]:
    """What changes for functions that are attached to the network."""
    vpc = stage.vpc
    subnets = ", ".join(network.exits)
    groups = ", ".join(vpc.security_group_ids) if vpc is not None else ""
    yield f"The functions are attached to {network.vpc}: {subnets}, with {groups}. AWS takes a minute or more for that."
    own, declared = services(project, stage)
    if not network.closed:
        exits = ", ".join(dict.fromkeys(network.exits.values()))
        yield f"They lose their direct way to the internet: all traffic to it, and to AWS's APIs, goes through {exits}."
    else:
        named = ", ".join(name for name, _ in own) or "none"
        yield (
            f"They lose the internet: no NAT for {', '.join(network.closed)}. Of AWS's APIs they reach those with an"
            f" endpoint ({named})."
        )
        if unknown := network.missing(declared, stage.region):
            yield f"The file permits calls to {', '.join(unknown)}, for which no endpoint was found there."
    if len(network.zones) == 1:
        yield f"All subnets are in {network.zones[0]}: if this zone fails, the stage does."
