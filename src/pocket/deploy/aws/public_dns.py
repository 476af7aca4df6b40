"""What the public DNS answers for a name, through this machine's resolver.

A laptop may have no DNS, or one that answers for its own network only. So an answer counts only where the same resolver
knows the top-level domain. The library is imported when a question is asked: few deploys ask one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dns.resolver

LIFETIME = 5.0
"""Seconds for one question, every attempt counted."""


class Unreachable(Exception):
    """This machine's resolver does not answer for public names; with the reason as its text."""


def resolver() -> dns.resolver.Resolver:
    """The system's resolver. Raises Unreachable where the system has none."""
    import dns.resolver

    try:
        found = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration as error:
        raise Unreachable(str(error)) from error
    found.lifetime = LIFETIME
    return found


def name_servers(zone: str) -> frozenset[str]:
    """The name servers that the public DNS has for a zone, lower case and without the last dot; empty where it has
    none that answers.

    Raises Unreachable if the resolver does not find the zone's top-level domain either.
    """
    local = resolver()
    if found := _name_servers(local, zone):
        return found
    top = zone.rpartition(".")[2]
    if not _name_servers(local, top):
        raise Unreachable(f"it does not know the top-level domain {top}")
    return frozenset()


def _name_servers(local: dns.resolver.Resolver, zone: str) -> frozenset[str]:
    import dns.exception
    import dns.name
    import dns.resolver

    try:
        answer = local.resolve(dns.name.from_text(zone), "NS")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.NoNameservers):
        return frozenset()
    except (dns.exception.DNSException, OSError) as error:
        raise Unreachable(" ".join(str(error).split()) or type(error).__name__) from error
    return frozenset(item.target.to_text(omit_final_dot=True).lower() for item in answer)
