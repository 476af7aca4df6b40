"""Certificates and alias records in templates."""

from __future__ import annotations

import json
from pathlib import Path

from deploying import project
from hypothesis import given
from hypothesis import strategies as st

from pocket.deploy.template.body import Template
from pocket.deploy.template.certificate import (
    ARN_OUTPUT,
    PENDING,
    certificate_stack_name,
    render_certificate,
    with_arn,
    with_former,
)
from pocket.deploy.template.domains import alias_records, domain_id, recorded
from pocket.deploy.template.validate import lint

NAMES = ("www.example.com", "example.com")
ZONES = dict.fromkeys(NAMES, "Z0123456789ABC")

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,3}[a-z0-9])?", fullmatch=True)
domains = st.lists(labels, min_size=2, max_size=4).map(".".join)


@given(domains, domains)
def test_two_domains_never_share_a_logical_id(one: str, other: str) -> None:
    assert (domain_id(one, "RecordA") == domain_id(other, "RecordA")) == (one == other)
    assert domain_id(one, "RecordA").isalnum()
    assert len(domain_id(f"{'a.' * 120}com", "Certificate")) < 255


def test_alias_records_lead_to_the_target_in_both_versions_of_ip() -> None:
    found = alias_records("www.example.com", "Z1", "d1.cloudfront.net", "Z2FDTNDATAQYW2", "Distribution")
    assert recorded({"Resources": found}) == {("www.example.com", "A"), ("www.example.com", "AAAA")}
    for record in found.values():
        assert record["DependsOn"] == "Distribution"
        assert record["Properties"]["AliasTarget"]["DNSName"] == "d1.cloudfront.net"


def test_the_stack_of_a_certificate_is_what_cloudformation_takes(tmp_path: Path) -> None:
    stage = project(tmp_path).stage("dev")
    body = render_certificate(stage, NAMES, ZONES).body
    records = alias_records("www.example.com", "Z0123456789ABC", "d1.cloudfront.net", "Z2FDTNDATAQYW2")
    assert lint(json.dumps({**body, "Resources": {**body["Resources"], **records}}), "us-east-1") == []
    [(logical_id, resource)] = body["Resources"].items()
    assert body["Outputs"][ARN_OUTPUT]["Value"] == {"Ref": logical_id}
    assert resource["Properties"]["SubjectAlternativeNames"] == ["example.com"]
    assert [item["HostedZoneId"] for item in resource["Properties"]["DomainValidationOptions"]] == [*ZONES.values()]
    assert certificate_stack_name(stage) == "pocket-dev-full-certificate"


def test_another_certificate_stands_beside_the_one_in_use_until_that_goes(tmp_path: Path) -> None:
    stage = project(tmp_path).stage("dev")
    before, after = (render_certificate(stage, names, ZONES) for names in (NAMES[:1], NAMES))
    both = with_former(after, before.body).body
    assert both["Resources"].keys() == {*before.body["Resources"], *after.body["Resources"]}
    assert both["Outputs"] == after.body["Outputs"]


def test_the_arn_takes_the_place_of_the_one_that_is_pending() -> None:
    template = Template({"Resources": {"A": {"Properties": {"X": [PENDING, 1], "Y": "other"}}}}, {"Secret": "value"})
    found = with_arn(template, "arn:aws:acm:us-east-1:123456789012:certificate/1")
    assert found.body == {
        "Resources": {"A": {"Properties": {"X": ["arn:aws:acm:us-east-1:123456789012:certificate/1", 1], "Y": "other"}}}
    }
    assert found.parameters == {"Secret": "value"}
