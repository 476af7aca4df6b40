"""What a domain of the user's own consists of, whatever answers under it: a certificate and alias records.

Logical ids come from the domain, so that another domain is another resource: both exist until the new one is live.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pocket import naming

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.config import StageConfig
    from pocket.deploy.template.intrinsics import Resource

CERTIFICATE, RECORD = "AWS::CertificateManager::Certificate", "AWS::Route53::RecordSet"

RECORD_TYPES = ("A", "AAAA")
"""Of the alias records of each domain."""

UNKNOWN_ZONE = "Z0000000000000"
UNKNOWN_ARN = "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000"

_SHOWN = 60
"""How many characters of a domain a logical id shows."""


def domain_id(domain: str, kind: str) -> str:
    """The logical id of a domain's resource: `ApiExampleCom0123abcdRecordA`; the digest tells `a-b.c` from `a.b.c`."""
    return f"{naming.logical_id(domain)[:_SHOWN]}{_digest(domain)}{kind}"


def certificate(names: Sequence[str], zone_ids: Mapping[str, str]) -> Resource:
    """A certificate for all `names`. ACM validates each by a record that it puts into the hosted zone of that name.

    Any change of the names or of the zones replaces the certificate.
    """
    first, *others = names
    properties: dict[str, Any] = {
        "DomainName": first,
        "ValidationMethod": "DNS",
        "DomainValidationOptions": [{"DomainName": name, "HostedZoneId": zone_ids[name]} for name in names],
    }
    if others:
        properties["SubjectAlternativeNames"] = others
    return {"Type": CERTIFICATE, "Properties": properties}


def alias_records(
    domain: str, zone_id: str, target: Any, target_zone: Any, depends_on: str | None = None
) -> dict[str, Resource]:
    """A and AAAA alias records that lead to the DNS name `target`, which lies in the hosted zone `target_zone`.

    `depends_on` is the logical id of what must answer before the records lead to it.
    """
    after = {"DependsOn": depends_on} if depends_on is not None else {}
    alias = {"DNSName": target, "HostedZoneId": target_zone, "EvaluateTargetHealth": False}
    return {
        domain_id(domain, f"Record{kind}"): {
            "Type": RECORD,
            **after,
            "Properties": {"HostedZoneId": zone_id, "Name": domain, "Type": kind, "AliasTarget": alias},
        }
        for kind in RECORD_TYPES
    }


def before_look(stage: StageConfig) -> tuple[dict[str, str], dict[str, str]]:
    """What stands for hosted zones, and for the ARNs of certificates outside of the stack, before AWS is asked."""
    zones = {domain.name: UNKNOWN_ZONE for domain in stage.domains if domain.create_records}
    outside = [domain for domain in stage.domains if domain.certificate_arn or not domain.create_records]
    of_distribution = [domain for domain in stage.domains if domain.handler is None]
    return zones, {domain.name: domain.certificate_arn or UNKNOWN_ARN for domain in (*outside, *of_distribution)}


def recorded(body: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """Name, type and hosted zone of each record that a deployed template has: those are the stage's own."""
    resources: Mapping[str, Resource] = body.get("Resources") or {}
    records = (item["Properties"] for item in resources.values() if item["Type"] == RECORD)
    # A record of the user's own resources may name its zone otherwise.
    return {(str(item["Name"]), str(item["Type"]), str(item.get("HostedZoneId"))) for item in records}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
