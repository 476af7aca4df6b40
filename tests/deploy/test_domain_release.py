"""A stage with a domain of its own on the local AWS: its certificate, its records, and its change to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deploying import SMALL, PlanRecorder, deployable

from pocket.deploy.aws import public_dns
from pocket.deploy.aws.session import Clients
from pocket.deploy.gates import smoke
from pocket.deploy.gates.smoke import Answer
from pocket.deploy.operate import destroy, status
from pocket.deploy.releases import deploy as release
from pocket.deploy.releases.deploy import Deployed
from pocket.deploy.stacks import certificates
from pocket.deploy.target import Target
from pocket.deploy.template import validate
from pocket.errors import ConfigError, GateRefused, PlanRefused

ZONE = "owned.example"


def text(apigateway: str) -> str:
    lines = SMALL.replace('"small"', '"owned"').replace("apigateway = {}", f"apigateway = {{ {apigateway} }}")
    return lines.replace('[awscontainer.handlers.open]\ncommand = "app.web"\nfunction_url = {}\n', "")


def domain(name: str, more: str = "") -> str:
    return text(f'domain = "{name}.{ZONE}"{more}')


class Site:
    """A project that is deployed as to AWS: under its domains, which no local address replaces."""

    def __init__(self, folder: Path, target: Target, asked: list[tuple[str, str]]) -> None:
        self.folder = folder
        self.target = replace(target, addresses={})
        self.clients = Clients(self.target)
        self.asked = asked

    def deploy(self, pocket_toml: str, recorder: PlanRecorder | None = None, **options: Any) -> Deployed:
        found = deployable(self.folder, pocket_toml)
        place = options.pop("target", self.target)
        recorder = recorder or PlanRecorder()
        return release.deploy(found, found.stage("dev"), place, recorder, skip_gates=["project"], **options)

    def records(self) -> dict[tuple[str, str], str]:
        """The alias records of the zone: where each name and type leads to."""
        zones = self.clients.route53.list_hosted_zones_by_name(DNSName=ZONE)["HostedZones"]
        [zone] = [item["Id"] for item in zones if item["Name"] == f"{ZONE}."]
        found = self.clients.route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return {
            (item["Name"].rstrip("."), item["Type"]): item["AliasTarget"]["DNSName"].rstrip(".")
            for item in found
            if "AliasTarget" in item
        }

    def names(self) -> set[str]:
        """The domains at API Gateway."""
        return {item["DomainName"] for item in self.clients.apigatewayv2.get_domain_names()["Items"]}

    def certificates(self) -> dict[str, str]:
        """The ARN of each certificate by its domain."""
        found = self.clients.acm.list_certificates()["CertificateSummaryList"]
        return {item["DomainName"]: item["CertificateArn"] for item in found}

    def environment(self) -> dict[str, str]:
        """The variables of the live release."""
        function = self.clients.lambda_.get_function_configuration(
            FunctionName="pocket-dev-owned-web", Qualifier="live"
        )
        return function["Environment"]["Variables"]


@pytest.fixture
def site(tmp_path: Path, target: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """No request leaves the machine: where each would go is kept, and it is answered with 200."""
    asked: list[tuple[str, str]] = []

    def get(address: str, _path: str = "/", *, through: str = "") -> Answer:
        asked.append((address, through))
        return Answer(200)

    monkeypatch.setattr(smoke, "get", get)
    # Half of the time; test_domains has cfn-lint look at these templates.
    monkeypatch.setattr(validate, "lint", lambda *_: [])
    found = Site(tmp_path, target, asked)
    zone = found.clients.route53.create_hosted_zone(Name=ZONE, CallerReference=str(tmp_path))["HostedZone"]["Id"]
    servers = found.clients.route53.get_hosted_zone(Id=zone)["DelegationSet"]["NameServers"]
    monkeypatch.setattr(public_dns, "name_servers", lambda _: frozenset(server.rstrip(".") for server in servers))
    yield found
    destroy.destroy(deployable(tmp_path, domain("www")).stage("dev"), found.target, PlanRecorder())
    assert found.records() == {}
    assert found.names() == set()
    assert found.certificates() == {}
    found.clients.route53.delete_hosted_zone(Id=zone)


def test_a_domain_has_a_certificate_a_mapping_and_records_and_replaces_the_address(site: Site) -> None:
    recorder = PlanRecorder()
    done = site.deploy(domain("www"), recorder)
    assert done.addresses == {"web": f"https://www.{ZONE}"}
    assert [note for note in recorder.notes if note.startswith(f"www.{ZONE}: hosted zone {ZONE} (Z")]
    target = done.outputs["WebDomainTarget"]
    assert site.records() == {(f"www.{ZONE}", "A"): target, (f"www.{ZONE}", "AAAA"): target}
    [mapping] = site.clients.apigatewayv2.get_api_mappings(DomainName=f"www.{ZONE}")["Items"]
    assert (mapping["ApiId"], mapping["Stage"]) == (done.outputs["WebApiId"], "$default")
    assert site.asked == [(f"https://www.{ZONE}", target)]
    hosts = site.environment()["POCKET_HOSTS"].split(",")
    assert hosts[0] == f"www.{ZONE}"
    assert hosts[1].startswith(f"{done.outputs['WebApiId']}.execute-api.")
    found = status.read(deployable(site.folder, domain("www")).stage("dev"), site.target)
    assert (found.addresses, found.targets) == ({"web": f"https://www.{ZONE}"}, {"web": target})
    again = PlanRecorder()
    assert not site.deploy(domain("www"), again).changed
    assert again.plans == []


def test_a_changed_domain_keeps_the_old_one_until_the_new_one_has_answered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.deploy(domain("old"))
    seen: list[set[str]] = []

    def failing(_address: str, _path: str = "/", *, through: str = "") -> Answer:
        seen.append(site.names())
        return Answer(0, f"no answer from {through}")

    with monkeypatch.context() as patch:
        patch.setattr(smoke, "get", failing)
        with pytest.raises(GateRefused, match=f"https://new.{ZONE} did not answer"):
            site.deploy(domain("new"))
    both = {f"old.{ZONE}", f"new.{ZONE}"}
    assert seen == [both]
    assert site.names() >= {f"old.{ZONE}"}
    assert site.environment()["POCKET_WEB_HOST"] == f"old.{ZONE}"
    recorder = PlanRecorder()
    done = site.deploy(domain("new"), recorder)
    assert f"old.{ZONE}: removed once the new release is live with its records." in recorder.notes
    assert done.addresses == {"web": f"https://new.{ZONE}"}
    assert site.names() == {f"new.{ZONE}"}
    assert {name for name, _ in site.records()} == {f"new.{ZONE}"}
    assert site.certificates().keys() == {f"new.{ZONE}"}


def test_a_domain_may_be_the_only_address_move_to_another_handler_and_go(site: Site) -> None:
    done = site.deploy(domain("www", ", default_endpoint = false"))
    assert site.environment()["POCKET_HOSTS"] == f"www.{ZONE}"
    api = site.clients.apigatewayv2.get_api(ApiId=done.outputs["WebApiId"])
    assert api.get("DisableExecuteApiEndpoint") is True
    moved = site.deploy(domain("www").replace("handlers.web]", "handlers.site]"))
    [mapping] = site.clients.apigatewayv2.get_api_mappings(DomainName=f"www.{ZONE}")["Items"]
    assert mapping["ApiId"] == moved.outputs["SiteApiId"] != done.outputs["WebApiId"]
    site.deploy(text(""))
    assert site.names() == set()
    assert site.records() == {}


def test_without_records_of_its_own_a_deploy_shows_what_to_enter(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    without = domain("www", ", create_records = false")
    real = certificates.read

    def pending(clients: Clients, arn: str) -> certificates.Certificate:
        return replace(real(clients, arn), status="PENDING_VALIDATION", records=(("_1.www", "_2.acm"),))

    declining = PlanRecorder(agrees=False)
    with pytest.raises(PlanRefused, match="No certificate was requested"):
        site.deploy(without, declining)
    assert site.certificates() == {}
    with monkeypatch.context() as patch:
        patch.setattr(certificates, "read", pending)
        for _ in range(2):
            with pytest.raises(PlanRefused, match=r"is not issued yet[^\n]*\n_1\.www CNAME _2\.acm") as caught:
                site.deploy(without)
    assert "Then deploy again" in caught.value.hint
    [(_, arn)] = site.certificates().items()
    recorder = PlanRecorder()
    done = site.deploy(without, recorder)
    assert site.records() == {}
    entered = f"Enter a record where the DNS of www.{ZONE} is: www.{ZONE} CNAME {done.outputs['WebDomainTarget']}."
    assert [note for note in recorder.notes if note.startswith(entered)]
    used = site.clients.apigatewayv2.get_domain_name(DomainName=f"www.{ZONE}")["DomainNameConfigurations"]
    assert [item["CertificateArn"] for item in used] == [arn]
    changed = PlanRecorder()
    site.deploy(domain("other"), changed)
    assert [note for note in changed.notes if f"Removed certificate {arn}" in note]
    assert f"www.{ZONE}: removed once the new release is live; remove its records where you entered them." in (
        changed.notes
    )


def test_a_certificate_of_the_users_own_is_used_and_kept(site: Site) -> None:
    arn = site.clients.acm.request_certificate(DomainName=f"*.{ZONE}", ValidationMethod="DNS")["CertificateArn"]
    own = f', certificate_arn = "{arn}"'
    site.deploy(domain("www", own))
    assert site.certificates() == {f"*.{ZONE}": arn}
    with pytest.raises(ConfigError, match=f"is for .*, not for www.deep.{ZONE}"):
        site.deploy(domain("www.deep", own))
    with pytest.raises(ConfigError, match="There is no certificate"):
        site.deploy(domain("api", own.replace(arn[-4:], "0000")))
    site.deploy(domain("www"))
    assert site.certificates().keys() == {f"*.{ZONE}", f"www.{ZONE}"}
    site.clients.acm.delete_certificate(CertificateArn=arn)


def test_what_stands_in_the_way_of_a_domain_is_one_message_and_nothing_is_changed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(pocket_toml: str, expected: str) -> None:
        recorder = PlanRecorder()
        with pytest.raises(ConfigError, match=expected) as caught:
            site.deploy(pocket_toml, recorder)
        assert caught.value.key == "awscontainer.handlers.web.apigateway.domain"
        assert caught.value.line == next(
            number for number, line in enumerate(pocket_toml.splitlines(), 1) if line.startswith("apigateway")
        )
        assert recorder.questions == []
        assert recorder.plans == []

    refused(text('domain = "www.nobody.example"'), "no public hosted zone for www.nobody.example")
    site.clients.apigatewayv2.create_domain_name(DomainName=f"taken.{ZONE}")
    refused(domain("taken"), f"API Gateway has the domain taken.{ZONE} already")
    site.clients.apigatewayv2.delete_domain_name(DomainName=f"taken.{ZONE}")
    monkeypatch.setattr(public_dns, "name_servers", lambda _: frozenset({"ns.registrar.example"}))
    refused(domain("www"), "is not delegated")
    assert site.certificates() == {}


def test_a_rehearsal_needs_no_hosted_zone_and_answers_on_this_machine(site: Site, target: Target) -> None:
    local = replace(target, delegated=False)
    done = site.deploy(domain("www"), target=local)
    assert done.addresses == {"web": target.addresses["web"]}
    assert site.names() == {f"www.{ZONE}"}
    assert site.environment()["POCKET_HOSTS"] == target.addresses["web"].removeprefix("http://")
