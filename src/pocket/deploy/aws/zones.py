"""Hosted zones of Route 53: the one that a domain belongs to, its delegation, and the records that it has already.

Names are lower case and have no dot at their end. Nothing is changed here. A deploy asks before it makes a stack that
waits for DNS: CloudFormation waits for a certificate for hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocket.deploy.aws import public_dns
from pocket.errors import AWSCallFailed, PlanRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mypy_boto3_route53.type_defs import ResourceRecordSetOutputTypeDef as RecordSet

    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

AMAZON = frozenset({"amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"})
"""The names under which CAA records allow Amazon: https://docs.aws.amazon.com/acm/latest/userguide/setup-caa.html"""

ADDRESS_TYPES = frozenset({"A", "AAAA", "CNAME", "HTTPS", "SVCB"})
"""Types of records that an alias record of the same name conflicts with, or that would lead elsewhere."""

MOST_RECORDS = 300
"""How many records Route 53 gives at once: more than one name has."""


@dataclass(frozen=True)
class Zone:
    """A public hosted zone: `zone_id` without `/hostedzone/`, `name_servers` those that Route 53 gave it."""

    zone_id: str
    name: str
    name_servers: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.name} ({self.zone_id})"


def find_zone(clients: Clients, domain: str, zone_id: str | None = None) -> Zone:
    """The hosted zone that the domain's records go to: that of `zone_id`, or the public one with the longest name.

    Raises PlanRefused where there is none, where two have the same name, and where `zone_id` is not such a zone.
    """
    if zone_id is not None:
        return _zone_of(clients, domain, zone_id)
    for name in suffixes(domain):
        answer = clients.route53.list_hosted_zones_by_name(DNSName=name, MaxItems="100")
        found = [
            item["Id"].rpartition("/")[2]
            for item in answer["HostedZones"]
            if item["Name"].rstrip(".") == name and not item.get("Config", {}).get("PrivateZone")
        ]
        if len(found) > 1:
            raise PlanRefused(
                f"The account has {len(found)} public hosted zones named {name}: {', '.join(found)}.",
                "Set hosted_zone_id_override to the one whose name servers the registrar has, or delete the others.",
            )
        if found:
            return _described(clients, found[0])
    raise PlanRefused(
        f"The account has no public hosted zone for {domain}: none is named {' or '.join(suffixes(domain))}.",
        "Create a hosted zone for the domain that you registered, and enter its name servers at the registrar. Or set"
        " create_records = false, and enter the records where the domain's DNS is.",
    )


def rehearsed(clients: Clients, domain: str) -> Zone:
    """The hosted zone of the local AWS for the domain's parent domain, created where there is none."""
    names = suffixes(domain)
    for name in names:
        for item in clients.route53.list_hosted_zones_by_name(DNSName=name, MaxItems="1")["HostedZones"]:
            if item["Name"].rstrip(".") == name:
                return Zone(item["Id"].rpartition("/")[2], name)
    made = clients.route53.create_hosted_zone(Name=names[-1], CallerReference=domain)["HostedZone"]
    return Zone(made["Id"].rpartition("/")[2], names[-1])


def suffixes(domain: str) -> Sequence[str]:
    """The domain and its parent domains, longest first, without the top-level domain."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def check_delegation(clients: Clients, zone: Zone, reporter: Reporter) -> None:
    """Raises PlanRefused where the public DNS has other name servers for the zone than Route 53 gave it.

    The zone's own NS records count, too: they may be names of the owner's. Where the machine has no public DNS, or part
    of the name servers differ, a note says so.
    """
    try:
        public = public_dns.name_servers(zone.name)
    except public_dns.Unreachable as error:
        reporter.note(
            f"Warning: the name servers of {zone.name} could not be compared with those of hosted zone {zone.zone_id},"
            f" since this machine's DNS does not answer: {error}. If they differ, the certificate is never issued."
        )
        return
    if public and public <= (zone.name_servers | _written(clients, zone)):
        return
    ours, theirs = (", ".join(sorted(names)) or "no server that answers" for names in (zone.name_servers, public))
    if public.isdisjoint(zone.name_servers):
        raise PlanRefused(
            f"Hosted zone {zone} is not delegated, so AWS would wait for the certificate for hours. Name servers of the"
            f" hosted zone: {ours}. Name servers in public DNS: {theirs}.",
            f"Enter the hosted zone's name servers at the registrar of {zone.name}, or as its NS records in the zone"
            " above it. A change takes up to two days to be seen everywhere.",
        )
    reporter.note(
        f"Warning: some name servers of {zone.name} are not those of hosted zone {zone.zone_id}. Name servers of the"
        f" hosted zone: {ours}. Name servers in public DNS: {theirs}."
    )


def _written(clients: Clients, zone: Zone) -> frozenset[str]:
    """The name servers in the zone's own NS records."""
    found = [item for item in _records(clients, zone, zone.name) if item["Type"] == "NS"]
    return frozenset(value["Value"].rstrip(".").lower() for item in found for value in item.get("ResourceRecords", ()))


def check_records(clients: Clients, zone: Zone, domain: str, own: Collection[str] = ()) -> None:
    """Raises PlanRefused where records of the zone are in the way of the domain's certificate and alias records.

    These are records of the domain itself of another type than those of `own`, which are the stage's; NS records that
    give a part of the zone away; and CAA records that do not let Amazon issue certificates.
    """
    allowed_by: list[RecordSet] | None = None
    for name in [item for item in suffixes(domain) if item.endswith(zone.name)]:
        found = _records(clients, zone, name)
        if name == domain:
            _refuse_taken(zone, domain, [item for item in found if item["Type"] not in own])
        if name != zone.name and (servers := [item for item in found if item["Type"] == "NS"]):
            raise PlanRefused(
                f"Hosted zone {zone} delegates {name} to other name servers ({_values(servers)}), so records that it"
                f" has for {domain} are not seen.",
                f"Set hosted_zone_id_override to the hosted zone of {name}, or remove the NS records.",
            )
        issuers = [item for item in found if item["Type"] == "CAA"]
        if issuers and allowed_by is None:
            allowed_by = issuers
    _refuse_forbidden(zone, domain, allowed_by or [])


def _refuse_taken(zone: Zone, domain: str, found: list[RecordSet]) -> None:
    taken = [item for item in found if item["Type"] in ADDRESS_TYPES]
    if taken:
        types = ", ".join(sorted({item["Type"] for item in taken}))
        raise PlanRefused(
            f"Hosted zone {zone} has records of {domain} already, which Pocket did not create: {types}"
            f" ({_values(taken)}). Pocket does not overwrite them.",
            "Delete them if nothing needs them. Or set create_records = false, and change them yourself once the stage"
            " is deployed.",
        )


def _refuse_forbidden(zone: Zone, domain: str, records: list[RecordSet]) -> None:
    """The CAA records nearest to the domain count; a value reads `0 issue "amazon.com; key=value"`."""
    values = [item["Value"].split(maxsplit=2) for record in records for item in record.get("ResourceRecords", ())]
    issuers = [value[2].strip('"').partition(";")[0].strip().lower() for value in values if value[1:2] == ["issue"]]
    if issuers and AMAZON.isdisjoint(issuers):
        raise PlanRefused(
            f"The CAA records of {zone} let only {', '.join(filter(None, issuers)) or 'no authority'} issue"
            f" certificates for {domain}, so AWS cannot issue one.",
            'Add 0 issue "amazon.com" to the CAA records.',
        )


def _records(clients: Clients, zone: Zone, name: str) -> list[RecordSet]:
    """The zone's records of exactly that name; the answer begins with them."""
    answer = clients.route53.list_resource_record_sets(
        HostedZoneId=zone.zone_id, StartRecordName=name, MaxItems=str(MOST_RECORDS)
    )
    return [item for item in answer["ResourceRecordSets"] if item["Name"].rstrip(".") == name]


def _values(records: Sequence[RecordSet]) -> str:
    values = [item["Value"] for record in records for item in record.get("ResourceRecords", ())]
    values += [record["AliasTarget"]["DNSName"].rstrip(".") for record in records if "AliasTarget" in record]
    return ", ".join(dict.fromkeys(values))


def _zone_of(clients: Clients, domain: str, zone_id: str) -> Zone:
    try:
        zone = _described(clients, zone_id)
    except AWSCallFailed as error:
        if error.code not in {"NoSuchHostedZone", "InvalidInput"}:
            raise
        raise PlanRefused(
            f"The account has no hosted zone {zone_id}.",
            "List them with their ids: aws route53 list-hosted-zones. Or remove hosted_zone_id_override.",
        ) from error
    if zone.name not in suffixes(domain):
        raise PlanRefused(
            f"Hosted zone {zone} cannot have records of {domain}.",
            "Set hosted_zone_id_override to a zone of the domain or of a parent domain.",
        )
    return zone


def _described(clients: Clients, zone_id: str) -> Zone:
    found = clients.route53.get_hosted_zone(Id=zone_id)
    name = found["HostedZone"]["Name"].rstrip(".")
    if found["HostedZone"].get("Config", {}).get("PrivateZone"):
        raise PlanRefused(
            f"Hosted zone {name} ({zone_id}) is private: browsers and certificate authorities do not see it.",
            "Set hosted_zone_id_override to a public hosted zone.",
        )
    servers = found.get("DelegationSet", {}).get("NameServers", [])
    return Zone(zone_id, name, frozenset(server.rstrip(".").lower() for server in servers))
