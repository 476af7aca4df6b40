"""Hosted zones of the local AWS: which one a domain belongs to, whether it is delegated, what stands in the way."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import dns.rcode
import pytest
from dns_server import serving
from hypothesis import given
from hypothesis import strategies as st
from tiny_project import Recorder

from pocket.deploy.aws import public_dns, zones
from pocket.deploy.aws.session import Clients
from pocket.deploy.aws.zones import Zone, check_delegation, check_records, find_zone
from pocket.errors import PlanRefused

SERVERS = frozenset({"ns-1.awsdns-01.org", "ns-2.awsdns-02.co.uk"})
ZONE = Zone("Z1", "example.com", SERVERS)
COM = {("com", "NS"): ["a.gtld-servers.net."]}

labels = st.sampled_from(["a", "b", "com", "www"])
domains = st.lists(labels, min_size=2, max_size=5).map(".".join)


class Route53:
    """Route 53 as far as looking goes: `held` are zones as id, name and whether they are private."""

    def __init__(self, held: list[tuple[str, str, bool]], records: list[dict[str, Any]] | None = None) -> None:
        self.held = sorted(held, key=lambda item: (item[1].split(".")[::-1], item[0]))
        self.records = records or []

    def list_hosted_zones_by_name(self, DNSName: str, MaxItems: str) -> dict[str, Any]:  # noqa: N803 (AWS's names)
        """The zones from that name on, in the order of their labels from the last to the first, as AWS gives them."""
        found = [item for item in self.held if item[1].split(".")[::-1] >= DNSName.split(".")[::-1]]
        return {"HostedZones": [self._zone(*item) for item in found[: int(MaxItems)]]}

    def get_hosted_zone(self, Id: str) -> dict[str, Any]:  # noqa: N803
        [found] = [item for item in self.held if item[0] == Id]
        servers = [f"{server}." for server in sorted(SERVERS)]
        return {"HostedZone": self._zone(*found), "DelegationSet": {"NameServers": servers}}

    def list_resource_record_sets(self, **_asked: str) -> dict[str, Any]:
        return {"ResourceRecordSets": self.records}

    @staticmethod
    def _zone(zone_id: str, name: str, private: bool) -> dict[str, Any]:
        return {"Id": f"/hostedzone/{zone_id}", "Name": f"{name}.", "Config": {"PrivateZone": private}}


def looking(*held: tuple[str, str, bool], records: list[dict[str, Any]] | None = None) -> Clients:
    """Clients that ask a double, where the local AWS answers otherwise than AWS."""
    return cast("Clients", SimpleNamespace(route53=Route53(list(held), records)))


@pytest.fixture
def zone(clients: Clients) -> Iterator[Zone]:
    """A hosted zone of a name of its own."""
    name = f"z{uuid.uuid4().hex[:8]}.example"
    made = clients.route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    yield find_zone(clients, name, made.rpartition("/")[2])
    for record in clients.route53.list_resource_record_sets(HostedZoneId=made)["ResourceRecordSets"]:
        if record["Type"] not in {"NS", "SOA"} or record["Name"] != f"{name}.":
            change(clients, made, "DELETE", cast("dict[str, Any]", record))
    clients.route53.delete_hosted_zone(Id=made)


def change(clients: Clients, zone_id: str, action: Any, record: dict[str, Any]) -> None:
    batch: Any = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    clients.route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)


def add(clients: Clients, zone: Zone, name: str, kind: str, value: str) -> None:
    record = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    change(clients, zone.zone_id, "CREATE", record)


@given(domain=domains, held=st.lists(st.tuples(domains, st.booleans()), max_size=8))
def test_the_zone_of_a_domain_is_the_longest_public_suffix(domain: str, held: list[tuple[str, bool]]) -> None:
    numbered = [(f"Z{number}", name, private) for number, (name, private) in enumerate(held)]
    fits = [
        (name, zone_id)
        for zone_id, name, private in numbered
        if not private and (domain == name or domain.endswith(f".{name}"))
    ]
    longest = [item for item in fits if len(item[0]) == max(len(name) for name, _ in fits)]
    if len(longest) == 1:
        assert find_zone(looking(*numbered), domain).zone_id == longest[0][1]
    else:
        expected = "no public hosted zone" if not longest else f"public hosted zones named {longest[0][0]}: Z"
        with pytest.raises(PlanRefused, match=expected):
            find_zone(looking(*numbered), domain)


def test_the_local_aws_finds_a_zone_by_the_longest_suffix(clients: Clients, zone: Zone) -> None:
    assert find_zone(clients, f"a.b.{zone.name}") == zone
    assert find_zone(clients, zone.name) == zone
    assert zone.name_servers


def test_a_domain_without_a_zone_names_all_that_was_looked_for(clients: Clients) -> None:
    with pytest.raises(PlanRefused, match=r"for a\.b\.missing: none is named a\.b\.missing or b\.missing\.") as caught:
        find_zone(clients, "a.b.missing")
    assert "create_records = false" in caught.value.hint


def test_an_override_is_taken_although_another_zone_is_longer() -> None:
    held = [("Z1", "example.com", False), ("Z2", "www.example.com", False)]
    assert find_zone(looking(*held), "www.example.com", "Z1").name == "example.com"


@pytest.mark.parametrize(
    ("zone_id", "expected"), [("Z1", "Z1.* cannot have records of www.example.com"), ("Z2", "Z2.* is private")]
)
def test_an_override_that_cannot_serve_the_domain_is_refused(zone_id: str, expected: str) -> None:
    held = [("Z1", "example.org", False), ("Z2", "example.com", True)]
    with pytest.raises(PlanRefused, match=expected):
        find_zone(looking(*held), "www.example.com", zone_id)


def test_an_override_that_does_not_exist_is_named(clients: Clients) -> None:
    with pytest.raises(PlanRefused, match="no hosted zone ZMISSING0000"):
        find_zone(clients, "www.example.com", "ZMISSING0000")


def delegation(monkeypatch: pytest.MonkeyPatch, public: list[str] | dns.rcode.Rcode, clients: Clients) -> list[str]:
    """What is noted where the public DNS has those name servers for the zone."""
    reporter = Recorder()
    with serving({**COM, ("example.com", "NS"): public}) as resolver:
        monkeypatch.setattr(public_dns, "resolver", lambda: resolver)
        check_delegation(clients, ZONE, reporter)
    return reporter.notes


def test_a_delegated_zone_passes_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert delegation(monkeypatch, [f"{server.upper()}." for server in SERVERS], looking()) == []


def test_other_name_servers_are_refused_with_both_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlanRefused, match=r"example\.com \(Z1\) is not delegated") as caught:
        delegation(monkeypatch, ["ns.registrar.example."], looking())
    assert "ns-1.awsdns-01.org, ns-2.awsdns-02.co.uk" in caught.value.message
    assert "Name servers in public DNS: ns.registrar.example." in caught.value.message
    assert "registrar of example.com" in caught.value.hint


def test_a_zone_that_no_name_server_answers_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlanRefused, match="public DNS: no server that answers"):
        delegation(monkeypatch, dns.rcode.SERVFAIL, looking())


def test_name_servers_of_the_owners_own_names_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"Name": "example.com.", "Type": "NS", "ResourceRecords": [{"Value": "ns1.example.com."}]}
    assert delegation(monkeypatch, ["ns1.example.com."], looking(records=[own])) == []


def test_one_more_name_server_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    [note] = delegation(monkeypatch, [f"{server}." for server in (*SERVERS, "old.example")], looking())
    assert note.startswith("Warning: some name servers of example.com")


def test_a_machine_without_dns_gets_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = Recorder()
    with serving({}) as resolver:
        monkeypatch.setattr(public_dns, "resolver", lambda: resolver)
        check_delegation(looking(), ZONE, reporter)
    [note] = reporter.notes
    assert "could not be compared" in note


def test_a_rehearsal_has_one_zone_for_all_domains_below_it(clients: Clients) -> None:
    parent = f"r{uuid.uuid4().hex[:8]}.example"
    made = zones.rehearsed(clients, f"a.{parent}")
    assert made.name == parent
    assert zones.rehearsed(clients, f"b.c.{parent}") == made
    clients.route53.delete_hosted_zone(Id=made.zone_id)


@pytest.mark.parametrize(("kind", "value"), [("A", "192.0.2.1"), ("CNAME", "old.example.net")])
def test_a_record_that_is_not_the_stages_is_refused(clients: Clients, zone: Zone, kind: str, value: str) -> None:
    domain = f"www.{zone.name}"
    check_records(clients, zone, domain)
    add(clients, zone, domain, kind, value)
    with pytest.raises(PlanRefused, match=rf"already, which Pocket did not create: {kind} \({value}\)"):
        check_records(clients, zone, domain)
    check_records(clients, zone, domain, own={kind})
    check_records(clients, zone, f"other.{zone.name}")


def test_a_part_of_the_zone_that_is_given_away_is_refused(clients: Clients, zone: Zone) -> None:
    add(clients, zone, f"eu.{zone.name}", "NS", "ns.elsewhere.example")
    check_records(clients, zone, f"www.{zone.name}")
    with pytest.raises(PlanRefused, match=rf"delegates eu\.{zone.name} to other name servers"):
        check_records(clients, zone, f"www.eu.{zone.name}")


@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        (['0 issue "letsencrypt.org"'], False),
        (['0 issue ";"'], False),
        (['0 issue "letsencrypt.org"', '0 issue "amazon.com"'], True),
        (['0 issue "amazonaws.com; policy=x"'], True),
        (['0 iodef "mailto:a@example.com"'], True),
    ],
)
def test_caa_records_that_forbid_amazon_are_refused(values: list[str], allowed: bool) -> None:
    caa = {"Name": "example.com.", "Type": "CAA", "ResourceRecords": [{"Value": value} for value in values]}
    clients = looking(records=[caa])
    if allowed:
        check_records(clients, ZONE, "www.example.com")
    else:
        with pytest.raises(PlanRefused, match="CAA records"):
            check_records(clients, ZONE, "www.example.com")


def test_the_nearest_caa_records_count() -> None:
    near, far = (
        {"Name": name, "Type": "CAA", "ResourceRecords": [{"Value": f'0 issue "{issuer}"'}]}
        for name, issuer in (("www.example.com.", "amazon.com"), ("example.com.", "letsencrypt.org"))
    )
    check_records(looking(records=[near, far]), ZONE, "www.example.com")


@given(domains)
def test_the_suffixes_of_a_domain_are_its_parents_without_the_last_label(domain: str) -> None:
    found = zones.suffixes(domain)
    assert found[0] == domain
    assert all(longer.partition(".")[2] == shorter for longer, shorter in pairwise(found))
    assert found[-1].count(".") == 1
