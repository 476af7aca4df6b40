"""Name servers of a zone, asked from a name server on loopback."""

from __future__ import annotations

import dns.rcode
import dns.resolver
import pytest
from dns_server import Zones, resolver_of, serving

from pocket.deploy.aws import public_dns

COM = {("com", "NS"): ["a.gtld-servers.net."]}


def asked(monkeypatch: pytest.MonkeyPatch, zones: Zones, name: str = "example.com") -> frozenset[str]:
    with serving(zones) as resolver:
        monkeypatch.setattr(public_dns, "resolver", lambda: resolver)
        return public_dns.name_servers(name)


def test_the_name_servers_of_a_zone_are_lower_case_without_a_last_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(monkeypatch, {("example.com", "NS"): ["NS-1.awsdns-01.org.", "ns-2.awsdns-02.co.uk."]})
    assert found == {"ns-1.awsdns-01.org", "ns-2.awsdns-02.co.uk"}


@pytest.mark.parametrize("answer", [dns.rcode.NXDOMAIN, [], dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_zone_without_name_servers_that_answer_has_none(
    monkeypatch: pytest.MonkeyPatch, answer: list[str] | dns.rcode.Rcode
) -> None:
    assert asked(monkeypatch, {**COM, ("example.com", "NS"): answer}) == frozenset()


def test_a_resolver_without_public_names_has_no_result_for_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(public_dns.Unreachable, match="does not know the top-level domain com"):
        asked(monkeypatch, {})


def test_a_resolver_without_a_response_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = resolver_of(1)
    resolver.lifetime = 0.2
    monkeypatch.setattr(public_dns, "resolver", lambda: resolver)
    with pytest.raises(public_dns.Unreachable):
        public_dns.name_servers("example.com")


def test_a_machine_without_a_resolver_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured() -> dns.resolver.Resolver:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", unconfigured)
    with pytest.raises(public_dns.Unreachable):
        public_dns.resolver()
