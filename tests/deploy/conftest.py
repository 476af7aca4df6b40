"""A local AWS for the tests of this folder, and a target on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from local_network import Subnets, network

from pocket.deploy.aws.session import Clients
from pocket.deploy.target import Credentials, Target
from pocket.local import LocalAWS, start


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAWS]:
    with start(tmp_path_factory.mktemp("local"), ["web", "open"]) as local:
        yield local


@pytest.fixture(scope="session")
def target(local_aws: LocalAWS) -> Target:
    return Target(
        region="eu-central-1",
        endpoint_url=local_aws.endpoint_url,
        credentials=Credentials(local_aws.access_key_id, local_aws.secret_access_key),
        addresses=local_aws.addresses,
        platform="host",
    )


@pytest.fixture
def subnets(clients: Clients) -> Iterator[Subnets]:
    with network(clients.ec2) as made:
        yield made


@pytest.fixture(scope="session")
def clients(target: Target) -> Clients:
    return Clients(target)
