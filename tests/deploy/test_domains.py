"""Certificates and alias records in templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from deploying import FULL, inputs, project
from hypothesis import given
from hypothesis import strategies as st

from pocket import naming
from pocket.deploy.releases.history import History
from pocket.deploy.template import Inputs, render
from pocket.deploy.template.api_domains import deployed_domains, leading_to_live, used_certificates
from pocket.deploy.template.certificate import (
    ARN_OUTPUT,
    certificate_stack_name,
    render_certificate,
    with_former,
)
from pocket.deploy.template.domains import RECORD, alias_records, domain_id, recorded
from pocket.deploy.template.outputs import targets
from pocket.deploy.template.steps import candidate, going_live, settled
from pocket.deploy.template.validate import lint, refuse_unsupported

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
    assert recorded({"Resources": found}) == {("www.example.com", kind, "Z1") for kind in ("A", "AAAA")}
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


def test_another_certificate_exists_beside_the_one_in_use_until_that_is_removed(tmp_path: Path) -> None:
    stage = project(tmp_path).stage("dev")
    before, after = (render_certificate(stage, names, ZONES) for names in (NAMES[:1], NAMES))
    both = with_former(after, before.body).body
    assert both["Resources"].keys() == {*before.body["Resources"], *after.body["Resources"]}
    assert both["Outputs"] == after.body["Outputs"]


OWN = "arn:aws:acm:eu-central-1:123456789012:certificate/0123"


def having(folder: Path, name: str, **more: Any) -> Inputs:
    """The inputs of a stage whose first API has that domain."""
    text = FULL.replace("apigateway = {}", f'apigateway = {{ domain = "{name}", default_endpoint = false }}', 1)
    return inputs(project(folder, text), **{"zones": {name: "Z0123456789ABC"}, **more})


@pytest.mark.parametrize(
    "more", [{}, {"certificates": {"www.example.com": OWN}}, {"certificates": {"www.example.com": OWN}, "zones": {}}]
)
def test_an_apis_domain_is_what_cloudformation_takes(tmp_path: Path, more: dict[str, Any]) -> None:
    wanted = render(having(tmp_path, "www.example.com", **more)).body
    kinds = [item["Type"] for item in wanted["Resources"].values()]
    assert kinds.count("AWS::CertificateManager::Certificate") == (0 if "certificates" in more else 1)
    assert kinds.count("AWS::Route53::RecordSet") == (0 if "zones" in more else 2)
    assert lint(json.dumps(wanted), "eu-central-1") == []
    assert deployed_domains(wanted) == {"www.example.com"}
    assert used_certificates(wanted) == ({OWN} if "certificates" in more else set())


def test_the_users_own_domains_and_records_are_none_of_a_handlers() -> None:
    own = {
        "Mine": {"Type": "AWS::ApiGatewayV2::DomainName", "Properties": {"DomainName": "mine.example.com"}},
        "Named": {"Type": "AWS::ApiGatewayV2::DomainName", "Properties": {"DomainName": {"Ref": "Mine"}}},
        "Record": {"Type": RECORD, "Properties": {"Name": "a.example", "Type": "A", "HostedZoneName": "example."}},
    }
    assert deployed_domains({"Resources": own}) == set()
    assert used_certificates({"Resources": own}) == set()
    assert recorded({"Resources": own}) == {("a.example", "A", "None")}


@pytest.mark.parametrize("more", ["", ", create_records = false", f', certificate_arn = "{OWN}"'])
def test_a_domain_passes_what_is_checked_before_aws_is_asked(tmp_path: Path, more: str) -> None:
    text = FULL.replace("apigateway = {}", f'apigateway = {{ domain = "www.example.com"{more} }}', 1)
    found = project(tmp_path, text)
    refuse_unsupported(found, found.stage("dev"))


def test_another_domain_leads_to_the_live_release_before_that_moves(tmp_path: Path) -> None:
    never = History().to_metadata()
    old, new = having(tmp_path, "old.example.com"), having(tmp_path, "new.example.com")
    before, wanted = render(old).body, render(new).body
    first = candidate(before, {}, never, kept=(), closed=leading_to_live(old, {}))
    assert domain_id("old.example.com", "Mapping") not in first["Resources"], "its API has no stage yet"
    assert domain_id("old.example.com", "RecordA") not in first["Resources"]
    assert domain_id("old.example.com", "Name") in first["Resources"], "its certificate is issued before the gates"
    live = going_live(before, first, never)
    second = candidate(wanted, live, never, kept=(), closed=leading_to_live(new, live))
    both = {domain_id(name, "RecordA") for name in ("old.example.com", "new.example.com")}
    assert both <= second["Resources"].keys()
    assert both <= going_live(wanted, second, never)["Resources"].keys()
    last = settled(wanted, going_live(wanted, second, never), never, kept=())
    assert deployed_domains(last) == {"new.example.com"}


def test_the_address_is_the_domain_and_the_target_the_name_behind_it(tmp_path: Path) -> None:
    stage = project(tmp_path, FULL.replace("apigateway = {}", 'apigateway = { domain = "www.example.com" }', 1)).stage(
        "dev"
    )
    outputs = {naming.endpoint_output("web"): "https://www.example.com", "WebDomainTarget": "d-1.execute-api"}
    assert targets(stage, outputs) == {"web": "d-1.execute-api"}
    assert targets(stage, {**outputs, naming.endpoint_output("web"): "http://localhost:8001"}) == {}
