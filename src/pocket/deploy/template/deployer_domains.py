"""What the deployer of a stage with domains of its own needs: hosted zones, certificates, and names at API Gateway.

Records and certificates are allowed for the stage's domains only. A policy for another domain does not allow the
removal of this one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pocket.deploy.template.certificate import REGION, certificate_stack_name
from pocket.deploy.template.domains import RECORD_TYPES
from pocket.deploy.template.intrinsics import allow
from pocket.deploy.template.marks import marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocket.config import StageConfig
    from pocket.config.stage import Domain
    from pocket.deploy.template.boundary import Place

    Statement = dict[str, Any]

_FIND_ZONES = ["route53:ListHostedZones", "route53:ListHostedZonesByName"]
_ZONES = ["route53:GetHostedZone", "route53:ListResourceRecordSets"]
_CERTIFICATES = [
    "acm:AddTagsToCertificate",
    "acm:DescribeCertificate",
    "acm:ListTagsForCertificate",
    "acm:RemoveTagsFromCertificate",
]
_NAMES = [
    "apigateway:AddCertificateToDomain",
    "apigateway:DELETE",
    "apigateway:GET",
    "apigateway:PATCH",
    "apigateway:POST",
    "apigateway:PUT",
    "apigateway:RemoveCertificateFromDomain",
]


def domain_statements(stage: StageConfig, place: Place) -> Iterator[Statement]:
    """The statements for the stage's domains; none for a stage without one."""
    if not stage.domains:
        return
    far = replace(place, region=REGION)
    of_apis = [domain for domain in stage.domains if domain.handler is not None]
    of_distribution = [domain for domain in stage.domains if domain.handler is None]
    yield from _records(place, [domain for domain in stage.domains if domain.create_records])
    yield from certificate_statements(stage, place, _requested(of_apis))
    yield from certificate_statements(stage, far, _requested(of_distribution), "OfDistribution")
    if own := sorted({domain.certificate_arn for domain in stage.domains if domain.certificate_arn}):
        yield allow("OwnCertificates", ["acm:DescribeCertificate", "acm:ListTagsForCertificate"], own)
    if any(not domain.create_records and not domain.certificate_arn for domain in stage.domains):
        yield allow("FindCertificates", ["acm:ListCertificates"], ["*"])
    root = f"arn:{place.partition}:apigateway:{place.region}::/domainnames"
    if of_apis:
        named = [f"{root}/{domain.name}{end}" for domain in of_apis for end in ("", "/*")]
        yield allow("DomainNames", _NAMES, [root, *named])


def certificate_stacks(stage: StageConfig, place: Place) -> list[str]:
    """The ARN of the stack of the distribution's certificate, in a list; empty if the stage has none."""
    if any(item.handler is None and item.create_records and not item.certificate_arn for item in stage.domains):
        return [replace(place, region=REGION).arn("cloudformation", f"stack/{certificate_stack_name(stage)}/*")]
    return []


def _requested(domains: Sequence[Domain]) -> list[str]:
    """The names for which Pocket requests certificates."""
    return [domain.name for domain in domains if not domain.certificate_arn]


def certificate_statements(
    stage: StageConfig, place: Place, names: Sequence[str], suffix: str = ""
) -> Iterator[Statement]:
    """The statements for certificates of `names` in the place's region; `suffix` ends their ids."""
    if not names:
        return
    arns = [place.arn("acm", "certificate/*")]
    only = {"ForAllValues:StringEquals": {"acm:DomainNames": list(names)}}
    yield allow(f"RequestCertificates{suffix}", ["acm:RequestCertificate"], ["*"], **only)
    yield allow(f"Certificates{suffix}", _CERTIFICATES, arns)
    tagged = {f"aws:ResourceTag/{key}": value for key, value in marks(stage).items()}
    yield allow(f"RemoveCertificates{suffix}", ["acm:DeleteCertificate"], arns, StringEquals=tagged)


def _records(place: Place, domains: Sequence[Domain]) -> Iterator[Statement]:
    """What the records of domains need: an alias record for each, and the record that validates its certificate.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html
    """
    if not domains:
        return
    root = f"arn:{place.partition}:route53:::"
    zones = sorted({f"{root}hostedzone/{domain.zone_id or '*'}" for domain in domains})
    names = [name for domain in domains for name in (domain.name, f"_*.{domain.name}")]
    only = {
        "ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": names},
        "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": [*RECORD_TYPES, "CNAME"]},
    }
    yield allow("FindHostedZones", _FIND_ZONES, ["*"])
    yield allow("HostedZones", _ZONES, zones)
    yield allow("Records", ["route53:ChangeResourceRecordSets"], zones, **only)
    yield allow("RecordChanges", ["route53:GetChange"], [f"{root}change/*"])
