"""The gate `network`: AWS's descriptions of a network, held to botocore's models, and what is reached."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_double import hold
from deploying import FULL, SMALL, PlanRecorder, inputs, project
from local_network import Subnets

from pocket.config import Project
from pocket.deploy.aws import networks
from pocket.deploy.aws.session import Clients
from pocket.deploy.gates import network
from pocket.deploy.target import Target
from pocket.deploy.template import render
from pocket.deploy.template.boundary import boundary_policy
from pocket.deploy.template.deployer import deployer_policy
from pocket.deploy.template.permissions import statements
from pocket.errors import ConfigErrors, GateRefused, PlanRefused

A, B, GROUP, HERE = "subnet-0a1b2c3d", "subnet-0b1b2c3d", "sg-0a1b2c3d", "vpc-0a1b2c3d"
VPC = f'[vpc]\nsubnet_ids = ["{A}", "{B}"]\nsecurity_group_ids = ["{GROUP}"]\n'
NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
PUBLIC = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
INSIDE = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}


def subnet(name: str, zone: str = "eu-central-1a") -> dict[str, Any]:
    return {"SubnetId": name, "VpcId": HERE, "AvailabilityZone": zone}


def table(name: str, *routes: dict[str, Any], subnets: tuple[str, ...] = (), main: bool = False) -> dict[str, Any]:
    associations: list[dict[str, Any]] = [{"SubnetId": item, "Main": False} for item in subnets]
    return {
        "RouteTableId": name,
        "VpcId": HERE,
        "Routes": [INSIDE, *routes],
        "Associations": [*associations, *([{"Main": True}] if main else [])],
    }


def endpoint(service: str, *tables: str, private_dns: bool = True, state: str = "available") -> dict[str, Any]:
    name = f"com.amazonaws.eu-central-1.{service}"
    own = {"RouteTableIds": list(tables)} if tables else {"PrivateDnsEnabled": private_dns}
    kind = "Gateway" if tables else "Interface"
    return {"VpcId": HERE, "ServiceName": name, "VpcEndpointType": kind, "State": state, **own}


def found(*tables: dict[str, Any], endpoints: tuple[dict[str, Any], ...] = ()) -> networks.Network:
    subnets = [subnet(A), subnet(B, "eu-central-1b")]
    for operation, key, items in (
        ("DescribeSubnets", "Subnets", subnets),
        ("DescribeRouteTables", "RouteTables", tables),
        ("DescribeVpcEndpoints", "VpcEndpoints", endpoints),
    ):
        hold("ec2", operation, {key: list(items)}, answer=True)
    return networks.described(HERE, subnets, tables, endpoints)


def refused(place: Project, seen: networks.Network) -> PlanRefused:
    with pytest.raises(PlanRefused) as caught:
        network.refuse_unreachable(place, place.stage("dev"), seen)
    return caught.value


@pytest.fixture
def place(tmp_path: Path) -> Project:
    return project(tmp_path, VPC + SMALL)


def test_a_subnet_has_its_own_route_table_or_the_networks_main_one() -> None:
    seen = found(table("rtb-1", NAT, subnets=(A,)), table("rtb-2", PUBLIC, main=True))
    assert seen.exits == {A: "nat-1", B: ""}
    assert seen.closed == [B]
    assert seen.to_internet_gateway == {B}


@pytest.mark.parametrize(
    "route",
    [
        {"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1", "State": "active"},
        {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vgw-1", "State": "active"},
        {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vpce-1", "State": "active"},
        {"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-1", "State": "active"},
        {"DestinationCidrBlock": "0.0.0.0/1", "NatGatewayId": "nat-1", "State": "active"},
        {"DestinationPrefixListId": "pl-1", "NatGatewayId": "nat-1", "State": "active"},
    ],
)
def test_what_leads_out(route: dict[str, Any]) -> None:
    assert found(table("rtb-1", route, main=True)).closed == []


@pytest.mark.parametrize(
    "route",
    [
        PUBLIC,
        {**NAT, "State": "blackhole"},
        {"DestinationCidrBlock": "0.0.0.0/0", "VpcPeeringConnectionId": "pcx-1", "State": "active"},
        {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1", "State": "active"},
        {"DestinationCidrBlock": "10.1.0.0/16", "TransitGatewayId": "tgw-1", "State": "active"},
    ],
)
def test_what_does_not_lead_out(route: dict[str, Any]) -> None:
    assert found(table("rtb-1", route, main=True)).closed == [A, B]


def test_nat_reaches_everything(place: Project) -> None:
    network.refuse_unreachable(place, place.stage("dev"), found(table("rtb-1", NAT, main=True)))


def test_what_the_functions_call_needs_an_endpoint_without_nat(place: Project) -> None:
    error = refused(place, found(table("rtb-1", main=True)))
    assert f"The functions call secretsmanager, sqs, and do not reach it from {A}, {B} of {HERE}" in error.message
    for name in ("secretsmanager", "sqs"):
        assert f"com.amazonaws.eu-central-1.{name} (interface, with private DNS)" in error.hint
    assert "Pocket makes no network" in error.hint
    endpoints = (endpoint("secretsmanager"), endpoint("sqs"))
    network.refuse_unreachable(place, place.stage("dev"), found(table("rtb-1", main=True), endpoints=endpoints))


def test_in_china_the_name_of_an_endpoint_may_have_another_beginning(tmp_path: Path) -> None:
    text = VPC + SMALL.replace("eu-central-1", "cn-north-1")
    error = refused(project(tmp_path, text), found(table("rtb-1", main=True)))
    assert "[cn.]com.amazonaws.cn-north-1.sqs (interface, with private DNS)" in error.hint


@pytest.mark.parametrize("broken", [endpoint("sqs", private_dns=False), endpoint("sqs", state="pendingAcceptance")])
def test_an_endpoint_that_does_not_answer_to_the_public_name_does_not_count(
    place: Project, broken: dict[str, Any]
) -> None:
    endpoints = (endpoint("secretsmanager"), broken)
    error = refused(place, found(table("rtb-1", PUBLIC, main=True), endpoints=endpoints))
    assert "The functions call sqs, and" in error.message
    assert f"The internet gateway of {A}, {B} does not help a function" in error.message


def test_a_gateway_endpoint_counts_in_its_route_tables_alone(tmp_path: Path) -> None:
    place = project(tmp_path, VPC + FULL.replace('[awscontainer.tasks]\ndefault = "sqsmanagement"\n', ""))
    tables = (table("rtb-1", subnets=(A,)), table("rtb-2", subnets=(B,)))
    others = tuple(endpoint(name) for name in ("kms", "secretsmanager", "sqs", "ssm"))
    error = refused(place, found(*tables, endpoints=(*others, endpoint("s3", "rtb-1"))))
    assert "The functions call s3, and" in error.message
    assert "com.amazonaws.eu-central-1.s3 (gateway)" in error.hint
    whole = found(*tables, endpoints=(*others, endpoint("s3", "rtb-1", "rtb-2")))
    network.refuse_unreachable(place, place.stage("dev"), whole)
    lines = list(network._lines(place, place.stage("dev"), whole))
    assert "The file permits calls to dynamodb, sns, for which no endpoint was found there." in lines


def test_a_database_with_a_public_address_needs_nat(tmp_path: Path) -> None:
    place = project(tmp_path, f'[database]\nengine = "aurora"\n{VPC}{SMALL}')
    endpoints = (endpoint("secretsmanager"), endpoint("sqs"))
    error = refused(place, found(table("rtb-1", main=True), endpoints=endpoints))
    assert "the stage's database, which has a public address" in error.message
    assert error.hint.startswith("Route 0.0.0.0/0 of the subnets to a NAT gateway")


def test_mail_of_another_region_needs_nat(tmp_path: Path) -> None:
    place = project(tmp_path, f'[ses]\nfrom_email = "a@example.com"\nregion = "us-east-1"\n{VPC}{SMALL}')
    endpoints = tuple(endpoint(name) for name in ("secretsmanager", "sqs", "email"))
    assert (
        "The functions call email, and" in refused(place, found(table("rtb-1", main=True), endpoints=endpoints)).message
    )


def test_the_plan_says_what_is_lost(place: Project) -> None:
    with_nat = list(network._lines(place, place.stage("dev"), found(table("rtb-1", NAT, main=True))))
    assert with_nat == [
        f"The functions are attached to {HERE}: {A}, {B}, with {GROUP}. AWS takes a minute or more for that.",
        "They lose their direct way to the internet: all traffic to it, and to AWS's APIs, goes through nat-1.",
    ]
    endpoints = (endpoint("secretsmanager"), endpoint("sqs"))
    closed = networks.described(HERE, [subnet(A)], [table("rtb-1", main=True)], endpoints)
    lines = list(network._lines(place, place.stage("dev"), closed))
    assert f"They lose the internet: no NAT for {A}. Of AWS's APIs they reach those with an endpoint" in lines[1]
    assert lines[2] == "All subnets are in eu-central-1a: if this zone fails, the stage does."


def test_a_private_database_needs_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = '[database]\nengine = "postgresql"\nsecret = "db"\nhost = "db.internal"\nname = "app"\n'
    place, clients = project(tmp_path, database + SMALL), Clients(Target("eu-central-1"))
    entries: list[Any] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    with pytest.raises(GateRefused, match=r"db\.internal has only the private address 10\.0\.0\.7") as caught:
        network.check(place, place.stage("dev"), clients, PlanRecorder(), deployed={}, live=None)
    assert "[vpc]" in caught.value.hint
    rehearsal = Clients(replace(clients.target, has_networks=False))
    assert network.check(place, place.stage("dev"), rehearsal, PlanRecorder(), deployed={}, live=None) == ()
    entries.append((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("18.0.0.7", 0)))
    assert network.check(place, place.stage("dev"), clients, PlanRecorder(), deployed={}, live=None) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[vpc]\nsubnet_ids = ["subnet-x"]\nsecurity_group_ids = ["sg-0a1b2c3d"]\n', "the id of a subnet"),
        ('[vpc]\nsubnet_ids = ["subnet-0a1b2c3d"]\nsecurity_group_ids = ["default"]\n', "the id of a security group"),
        ('[vpc]\nsubnet_ids = []\nsecurity_group_ids = ["sg-0a1b2c3d"]\n', "vpc.subnet_ids"),
        ('[vpc]\nsubnet_ids = ["subnet-0a1b2c3d"]\n', "vpc.security_group_ids"),
    ],
)
def test_bad_ids_are_errors_of_the_file(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigErrors, match=expected):
        project(tmp_path, text + SMALL)


def test_each_function_is_attached_and_its_own_code_may_not_touch_the_network(tmp_path: Path) -> None:
    place = project(tmp_path, VPC + FULL)
    template = render(inputs(place))
    functions = [item for item in template.body["Resources"].values() if item["Type"] == "AWS::Lambda::Function"]
    assert len(functions) == 6
    for item in functions:
        assert item["Properties"]["VpcConfig"] == {"SubnetIds": [A, B], "SecurityGroupIds": [GROUP]}
    granted = {item["Sid"]: item for item in statements(inputs(place), "web")}
    created = [item["Fn::Sub"].rpartition(":")[2] for item in granted["AttachToNetwork"]["Resource"]]
    assert created == [f"subnet/{A}", f"subnet/{B}", f"security-group/{GROUP}", "network-interface/*"]
    denied = granted["NoNetworkByOwnCode"]
    assert denied["Effect"] == "Deny"
    function = denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"][0]["Fn::Sub"]
    assert function.endswith(":function:pocket-dev-full-web")
    allowed = [granted[sid]["Action"] for sid in ("AttachToNetwork", "DetachFromNetwork", "SeeNetwork")]
    assert sorted(denied["Action"]) == sorted(action for actions in allowed for action in actions)
    boundary = {item["Sid"] for item in boundary_policy(place, place.stage("dev"))["Statement"]}
    assert {"AttachToNetwork", "DetachFromNetwork", "SeeNetwork"} <= boundary
    assert "Network" in {item["Sid"] for item in deployer_policy(place.stage("dev"))["Statement"]}


def test_the_gate_reads_the_network_as_aws_describes_it(
    tmp_path: Path, target: Target, clients: Clients, subnets: Subnets
) -> None:
    def checked(*names: str) -> tuple[str, ...]:
        text = f'[vpc]\nsubnet_ids = {json.dumps(names)}\nsecurity_group_ids = ["{subnets.group}"]\n'
        place = project(tmp_path, text + SMALL)
        return network.check(place, place.stage("dev"), clients, PlanRecorder(), deployed={}, live=3)

    with pytest.raises(GateRefused, match="release 3 stays live") as caught:
        checked(subnets.closed)
    assert "The functions call secretsmanager, sqs" in caught.value.message
    with pytest.raises(GateRefused, match="subnet-00000000 does not exist in eu-central-1"):
        checked("subnet-00000000")
    with pytest.raises(GateRefused, match=f"{subnets.other} belongs to .*, and {subnets.open} to vpc-"):
        checked(subnets.open, subnets.other)
    assert f"goes through {subnets.nat}." in checked(subnets.open)[1]


def test_nothing_is_said_of_functions_that_are_in_the_network(place: Project, target: Target) -> None:
    body = render(inputs(place)).body
    stage = place.stage("dev")
    without = Clients(replace(target, has_networks=False))
    assert network.check(place, stage, without, PlanRecorder(), deployed=body, live=1) == ()
    left = network.check(place, replace(stage, vpc=None), without, PlanRecorder(), deployed=body, live=1)
    assert left == ("The functions leave their network, and reach the internet directly.",)
