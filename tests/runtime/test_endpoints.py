"""Endpoints, compared with botocore's."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.regions import EndpointResolver

from pocket.runtime.endpoints import endpoint, override

SERVICES = ["secretsmanager", "ssm", "sqs", "cloudformation"]


@pytest.mark.parametrize("service", SERVICES)
def test_endpoint_of_every_region_is_botocores(no_aws: None, service: str) -> None:
    session = botocore.session.get_session()
    resolver = EndpointResolver(session.get_data("endpoints"))
    seen = 0
    for partition in session.get_available_partitions():
        for region in session.get_available_regions(service, partition_name=partition):
            expected = resolver.construct_endpoint(service, region, partition_name=partition)["hostname"]
            assert endpoint(service, region) == f"https://{expected}"
            seen += 1
    assert seen > 20


def test_override_for_a_service_comes_first(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1/")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://localhost:2")
    assert endpoint("secretsmanager", "eu-west-1") == "http://localhost:2"
    assert endpoint("sqs", "eu-west-1") == "http://localhost:1"


def test_overrides_can_be_disabled(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert override("sqs") is None
